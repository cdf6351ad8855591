//! An agent that says what it is told to say, right or wrong: written against the wire alone.

use fleet::Identity;
use fleet::wire::{AgentAsks, AgentMessage, AgentSays, Content, Held, Hello, ServerBrings, ServerMessage, ServerSays};
use record::Frame;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;

pub struct Raw {
    channel: Channel,
}

impl Raw {
    pub async fn connect(identity: &Identity) -> Raw {
        Raw { channel: identity.connect().await.unwrap() }
    }

    pub async fn greet(self) -> Talk {
        self.greet_with(Vec::new()).await
    }

    /// Greets with what it holds of content.
    pub async fn greet_with(self, content: Vec<Held>) -> Talk {
        let (outbound, messages) = mpsc::channel(16);
        let hello = Hello { host: crate::bench::host(), boot: 9, content, ..Hello::default() };
        outbound.send(AgentSays::Hello(hello).into()).await.unwrap();
        let mut client = Grpc::new(self.channel);
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/garrison.fleet.v1.Fleet/Link");
        let codec = tonic_prost::ProstCodec::<AgentMessage, ServerMessage>::default();
        let request = tonic::Request::new(ReceiverStream::new(messages));
        let mut inbound: Streaming<ServerMessage> = client.streaming(request, path, codec).await.unwrap().into_inner();
        let first = inbound.message().await.unwrap().unwrap().says;
        assert!(matches!(first, Some(ServerSays::Welcome(_))));
        Talk { outbound, inbound }
    }
}

pub struct Talk {
    outbound: mpsc::Sender<AgentMessage>,
    inbound: Streaming<ServerMessage>,
}

impl Talk {
    pub async fn send(&mut self, frame: Frame) {
        self.outbound.send(AgentSays::Frame(frame).into()).await.unwrap();
    }

    pub async fn tell(&mut self, asks: AgentAsks) {
        self.outbound.send(asks.into()).await.unwrap();
    }

    pub async fn next(&mut self) -> ServerMessage {
        self.inbound.message().await.unwrap().unwrap()
    }

    /// The next part of content.
    pub async fn content(&mut self) -> Content {
        match self.next().await.brings {
            Some(ServerBrings::Content(content)) => content,
            other => panic!("no content: {other:?}"),
        }
    }

    pub async fn refused(&mut self) -> String {
        match self.inbound.message().await.unwrap().unwrap().says {
            Some(ServerSays::Refused(refused)) => refused.code,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub async fn acked(&mut self) -> u64 {
        match self.inbound.message().await.unwrap().unwrap().says {
            Some(ServerSays::Ack(ack)) => ack.position.seq,
            other => panic!("not acknowledged: {other:?}"),
        }
    }

    /// The text that the server ended the link with.
    pub async fn ended(&mut self) -> String {
        loop {
            match self.inbound.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return String::new(),
                Err(status) => return status.message().to_string(),
            }
        }
    }
}
