//! Host metrics.

/// One value of one metric.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Metric {
    /// Number of the metric in the agent's catalogue (`garrison-agent metrics --list`).
    #[prost(uint32, tag = "1")]
    pub id: u32,
    /// Label of an instance (disk, interface, cgroup), empty for host-wide ones.
    #[prost(string, tag = "2")]
    pub label: String,
    /// Value in the unit of the catalogue.
    #[prost(double, tag = "3")]
    pub value: f64,
    /// Name, sent with the first sample of a connection and empty afterwards would save little: always sent.
    #[prost(string, tag = "4")]
    pub name: String,
}

/// All metrics of one moment.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// When, µs since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub time_us: i64,
    /// The metrics.
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
    /// CPU time the sampler itself used for this sample, µs.
    #[prost(uint64, tag = "3")]
    pub cost_us: u64,
}
