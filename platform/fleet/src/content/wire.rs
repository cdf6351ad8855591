//! Messages about content and questions. They are second `oneof`s beside what agent and server say of records: a peer
//! that does not know them passes them over.

use super::{Holding, Mark};
use bytes::Bytes;

/// What an agent holds under a name. In the greeting there is one for each name that it takes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Held {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Version; 0 when it holds none.
    #[prost(uint64, tag = "2")]
    pub version: u64,
    /// SHA-256 of the piece that led to this version.
    #[prost(bytes = "vec", tag = "3")]
    pub sha256: Vec<u8>,
    /// Version of the whole below its changes.
    #[prost(uint64, tag = "4")]
    pub base: u64,
    /// Bytes of its changes.
    #[prost(uint64, tag = "5")]
    pub chain_bytes: u64,
    /// SHA-256 of the packed piece of which it has a part; empty when it has none.
    #[prost(bytes = "vec", tag = "6")]
    pub part: Vec<u8>,
    /// Bytes of that part.
    #[prost(uint64, tag = "7")]
    pub part_bytes: u64,
    /// Version that it refused last; 0 when none.
    #[prost(uint64, tag = "8")]
    pub refused: u64,
    /// SHA-256 of what it refused.
    #[prost(bytes = "vec", tag = "9")]
    pub refused_sha256: Vec<u8>,
}

impl Held {
    pub(crate) fn holding(&self) -> Holding {
        let mark = Mark { version: self.version, sha256: digest(&self.sha256) };
        Holding { mark, base: self.base, chain_bytes: self.chain_bytes }
    }
}

/// A SHA-256 from the wire; of another length it is one that nothing has.
pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().unwrap_or_default()
}

/// A part of a piece of content.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Content {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Version that it leads to.
    #[prost(uint64, tag = "2")]
    pub version: u64,
    /// Version that it changes; 0 when it is whole.
    #[prost(uint64, tag = "3")]
    pub delta_from: u64,
    /// SHA-256 of the content.
    #[prost(bytes = "vec", tag = "4")]
    pub sha256: Vec<u8>,
    /// Bytes of the content.
    #[prost(uint64, tag = "5")]
    pub size: u64,
    /// SHA-256 of the packed content (zstd): a download goes on only where this is the same.
    #[prost(bytes = "vec", tag = "6")]
    pub packed_sha256: Vec<u8>,
    /// Bytes of the packed content.
    #[prost(uint64, tag = "7")]
    pub total: u64,
    /// Where this part begins in it.
    #[prost(uint64, tag = "8")]
    pub offset: u64,
    /// The part.
    #[prost(bytes = "bytes", tag = "9")]
    pub bytes: Bytes,
}

/// What became of a piece.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Took {
    /// Version that was sent.
    #[prost(uint64, tag = "1")]
    pub version: u64,
    /// Its SHA-256.
    #[prost(bytes = "vec", tag = "2")]
    pub sha256: Vec<u8>,
    /// Code of the fault; empty when it is in use.
    #[prost(string, tag = "3")]
    pub code: String,
    /// Its outside text.
    #[prost(string, tag = "4")]
    pub text: String,
    /// What the agent holds now.
    #[prost(message, required, tag = "5")]
    pub held: Held,
    /// Bytes granted again.
    #[prost(uint64, tag = "6")]
    pub room: u64,
}

/// Whether a value is an indicator, which a filter cannot say for sure.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ask {
    /// The agent's number of the question.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Word of the kind of value.
    #[prost(string, tag = "2")]
    pub kind: String,
    /// The key that the filter holds.
    #[prost(fixed64, tag = "3")]
    pub key: u64,
    /// The value.
    #[prost(string, tag = "4")]
    pub value: String,
}

/// The answer to an [`Ask`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct Answer {
    /// The question's number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is known; none when the value is no indicator.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub found: Option<Bytes>,
    /// Not answered now: ask again later.
    #[prost(bool, tag = "3")]
    pub later: bool,
}

/// What a server brings beside what it says of records.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ServerBrings {
    /// A part of content.
    #[prost(message, tag = "7")]
    Content(Content),
    /// An answer.
    #[prost(message, tag = "8")]
    Answer(Answer),
}

/// What an agent says of content and asks.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum AgentAsks {
    /// Bytes of content that may be sent again.
    #[prost(uint64, tag = "4")]
    Room(u64),
    /// What became of a piece.
    #[prost(message, tag = "5")]
    Took(Took),
    /// A question.
    #[prost(message, tag = "6")]
    Ask(Ask),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{AgentMessage, AgentSays, Hello, ServerMessage, ServerSays};
    use prost::Message;

    /// Messages as agents and servers of before read them.
    #[derive(Clone, PartialEq, prost::Message)]
    struct ServerBefore {
        #[prost(oneof = "ServerSays", tags = "1, 2, 3, 4, 5, 6")]
        says: Option<ServerSays>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct AgentBefore {
        #[prost(oneof = "AgentSays", tags = "1, 2, 3")]
        says: Option<AgentSays>,
    }

    #[test]
    fn a_peer_of_before_passes_content_over() {
        let content = Content { name: "rules".into(), bytes: Bytes::from_static(b"x"), ..Content::default() };
        let brought = ServerMessage::from(ServerBrings::Content(content)).encode_to_vec();
        assert_eq!(ServerBefore::decode(&brought[..]).unwrap().says, None);
        let asked = AgentMessage::from(AgentAsks::Ask(Ask { id: 7, ..Ask::default() })).encode_to_vec();
        assert_eq!(AgentBefore::decode(&asked[..]).unwrap().says, None);
        let before = ServerBefore { says: Some(ServerSays::Credit(5)) }.encode_to_vec();
        assert_eq!(ServerMessage::decode(&before[..]).unwrap(), ServerSays::Credit(5).into());
        let before = AgentBefore { says: Some(AgentSays::Hello(Hello::default())) }.encode_to_vec();
        assert_eq!(AgentMessage::decode(&before[..]).unwrap(), AgentSays::Hello(Hello::default()).into());
    }
}
