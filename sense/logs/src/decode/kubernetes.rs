//! The Kubernetes API server's audit log (`audit.k8s.io/v1`): JSON lines, or lists as its webhook sends them.

use super::{Around, Decoder, Found, json};

/// `kubernetes.audit`: verb, objectRef.resource, user.username …
pub struct Kubernetes;

impl Decoder for Kubernetes {
    fn word(&self) -> &'static str {
        "kubernetes.audit"
    }

    fn about(&self) -> (&'static str, &'static str) {
        ("audit log of the Kubernetes API server, JSON", "Kubernetes API 服务器审计日志（JSON）")
    }

    fn decode<'l>(&self, line: &'l str, around: &Around<'l>, out: &mut Vec<Found<'l>>) -> bool {
        json::records("kubernetes.audit", line, around, out)
    }

    fn is_whole(&self, end: &[u8]) -> bool {
        json::is_closed(end)
    }
}
