//! Messages of the fleet's service. Records themselves are in `record`.

pub use crate::content::wire::{AgentAsks, Answer, Ask, Content, Held, ServerBrings, Took};
use record::{Frame, Host, Order};

/// Asks for a first certificate.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EnrollRequest {
    /// The token's secret, 32 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub secret: Vec<u8>,
    /// PKCS#10 request, DER.
    #[prost(bytes = "vec", tag = "2")]
    pub request: Vec<u8>,
    /// The host.
    #[prost(message, required, tag = "3")]
    pub host: Host,
}

/// The first certificate.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EnrollReply {
    /// The id given to the agent, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub agent: Vec<u8>,
    /// Certificate chain, DER, the agent's own first.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub chain: Vec<Vec<u8>>,
    /// Authorities to trust, DER.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub trust: Vec<Vec<u8>>,
    /// The token's group.
    #[prost(string, tag = "4")]
    pub group: String,
}

/// Asks for the next certificate, over a connection that shows the present one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RenewRequest {
    /// PKCS#10 request, DER.
    #[prost(bytes = "vec", tag = "1")]
    pub request: Vec<u8>,
}

/// The next certificate.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RenewReply {
    /// Certificate chain, DER, the agent's own first.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub chain: Vec<Vec<u8>>,
    /// Authorities to trust, DER.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub trust: Vec<Vec<u8>>,
}

/// The first message of an agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Hello {
    /// The host.
    #[prost(message, required, tag = "1")]
    pub host: Host,
    /// Start counter of the spool.
    #[prost(uint64, tag = "2")]
    pub boot: u64,
    /// Version of the agent.
    #[prost(string, tag = "3")]
    pub version: String,
    /// Unacknowledged frames in the alert lane.
    #[prost(uint64, tag = "4")]
    pub alert_frames: u64,
    /// Unacknowledged frames in the telemetry lane.
    #[prost(uint64, tag = "5")]
    pub telemetry_frames: u64,
    /// Records shed since the agent's start.
    #[prost(uint64, tag = "6")]
    pub shed: u64,
    /// How the agent is.
    #[prost(message, optional, tag = "7")]
    pub state: Option<AgentState>,
    /// What it holds of each name of content that it takes.
    #[prost(message, repeated, tag = "8")]
    pub content: Vec<Held>,
}

/// How an agent is: what its server shows of it. Sent at first and whenever it changes, every half minute at least.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AgentState {
    /// Version of the agent.
    #[prost(string, tag = "1")]
    pub version: String,
    /// Rules that it runs.
    #[prost(uint64, tag = "2")]
    pub rules: u64,
    /// Which hook carries which event; empty when it did not look.
    #[prost(message, repeated, tag = "3")]
    pub probes: Vec<Probe>,
    /// Bytes waiting in its spool.
    #[prost(uint64, tag = "4")]
    pub spool_bytes: u64,
    /// Most bytes of its spool; 0 when unknown.
    #[prost(uint64, tag = "5")]
    pub spool_limit_bytes: u64,
    /// Records that its sensor lost since the agent's start, by kind.
    #[prost(btree_map = "string, uint64", tag = "6")]
    pub lost: std::collections::BTreeMap<String, u64>,
    /// Version of the published rules that it runs; 0 when none were published.
    #[prost(uint64, tag = "7")]
    pub rules_version: u64,
    /// What a scrubber shows of itself, as JSON of at most [`SHOWS_BYTES`]; empty when it shows nothing.
    #[prost(string, tag = "8")]
    pub shows: String,
}

/// Longest text that one shows of itself, bytes; the server leaves out a longer one.
pub const SHOWS_BYTES: usize = 256 << 10;

/// One row of a probe table.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Probe {
    /// The event.
    #[prost(string, tag = "1")]
    pub event: String,
    /// The hook chosen, empty when there is none.
    #[prost(string, tag = "2")]
    pub hook: String,
    /// Whether the canary came through.
    #[prost(bool, tag = "3")]
    pub fired: bool,
    /// What is lost without a better hook, empty when nothing.
    #[prost(string, tag = "4")]
    pub lost: String,
}

/// From agent to server.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AgentMessage {
    /// What.
    #[prost(oneof = "AgentSays", tags = "1, 2, 3")]
    pub says: Option<AgentSays>,
    /// Or what of content.
    #[prost(oneof = "AgentAsks", tags = "4, 5, 6")]
    pub asks: Option<AgentAsks>,
}

/// What an agent says.
#[derive(Clone, PartialEq, prost::Oneof)]
#[allow(clippy::large_enum_variant, reason = "few are alive at a time, and none is moved often")]
pub enum AgentSays {
    /// First of all.
    #[prost(message, tag = "1")]
    Hello(Hello),
    /// A batch.
    #[prost(message, tag = "2")]
    Frame(Frame),
    /// How it is now.
    #[prost(message, tag = "3")]
    State(AgentState),
}

/// How far the server has a lane of one start of the agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Position {
    /// Start counter.
    #[prost(uint64, tag = "1")]
    pub boot: u64,
    /// The lane.
    #[prost(enumeration = "record::Lane", tag = "2")]
    pub lane: i32,
    /// Last number that is durable.
    #[prost(uint64, tag = "3")]
    pub seq: u64,
}

/// The first message of the server.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Welcome {
    /// What it holds already.
    #[prost(message, repeated, tag = "1")]
    pub positions: Vec<Position>,
    /// Authorities to trust from now on, DER.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub trust: Vec<Vec<u8>>,
    /// Bytes granted at first.
    #[prost(uint64, tag = "3")]
    pub credit: u64,
    /// Version of the server.
    #[prost(string, tag = "4")]
    pub version: String,
}

/// Frames up to here are durable.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ack {
    /// How far.
    #[prost(message, required, tag = "1")]
    pub position: Position,
    /// Bytes granted again.
    #[prost(uint64, tag = "2")]
    pub credit: u64,
}

/// A frame that the server will never take.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refused {
    /// Start counter.
    #[prost(uint64, tag = "1")]
    pub boot: u64,
    /// The lane.
    #[prost(enumeration = "record::Lane", tag = "2")]
    pub lane: i32,
    /// First number.
    #[prost(uint64, tag = "3")]
    pub first_seq: u64,
    /// Last number.
    #[prost(uint64, tag = "4")]
    pub last_seq: u64,
    /// Code of the fault.
    #[prost(string, tag = "5")]
    pub code: String,
    /// Its outside text.
    #[prost(string, tag = "6")]
    pub text: String,
    /// Bytes granted again.
    #[prost(uint64, tag = "7")]
    pub credit: u64,
}

/// Come back later.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Throttle {
    /// Shortest wait before the next connection, ms.
    #[prost(uint64, tag = "1")]
    pub retry_after_ms: u64,
    /// Why, for the log.
    #[prost(string, tag = "2")]
    pub reason: String,
}

/// From server to agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ServerMessage {
    /// What.
    #[prost(oneof = "ServerSays", tags = "1, 2, 3, 4, 5, 6")]
    pub says: Option<ServerSays>,
    /// Or what it brings.
    #[prost(oneof = "ServerBrings", tags = "7, 8")]
    pub brings: Option<ServerBrings>,
}

impl From<AgentSays> for AgentMessage {
    fn from(says: AgentSays) -> AgentMessage {
        AgentMessage { says: Some(says), asks: None }
    }
}

impl From<AgentAsks> for AgentMessage {
    fn from(asks: AgentAsks) -> AgentMessage {
        AgentMessage { says: None, asks: Some(asks) }
    }
}

impl From<ServerSays> for ServerMessage {
    fn from(says: ServerSays) -> ServerMessage {
        ServerMessage { says: Some(says), brings: None }
    }
}

impl From<ServerBrings> for ServerMessage {
    fn from(brings: ServerBrings) -> ServerMessage {
        ServerMessage { says: None, brings: Some(brings) }
    }
}

/// What a server says.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ServerSays {
    /// First of all.
    #[prost(message, tag = "1")]
    Welcome(Welcome),
    /// Durable.
    #[prost(message, tag = "2")]
    Ack(Ack),
    /// Never.
    #[prost(message, tag = "3")]
    Refused(Refused),
    /// An order.
    #[prost(message, tag = "4")]
    Order(Order),
    /// Later.
    #[prost(message, tag = "5")]
    Throttle(Throttle),
    /// More bytes granted.
    #[prost(uint64, tag = "6")]
    Credit(u64),
}
