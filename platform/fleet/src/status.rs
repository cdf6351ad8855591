//! Faults over gRPC: the code travels in a header, so that the agent's fault is the server's.

use crate::fault;
use base::{Class, Code, Fault, Lang};
use tonic::{Code as Grpc, Status};

const HEADER: &str = "garrison-fault";

/// The status that carries a fault: outside text only.
pub(crate) fn from_fault(fault: &Fault) -> Status {
    let code = match fault.code().class {
        Class::Invalid | Class::TooLarge => Grpc::InvalidArgument,
        Class::Unauthenticated => Grpc::Unauthenticated,
        Class::Denied => Grpc::PermissionDenied,
        Class::Missing => Grpc::NotFound,
        Class::Conflict | Class::Refused => Grpc::FailedPrecondition,
        Class::Busy | Class::Full => Grpc::ResourceExhausted,
        Class::Unavailable => Grpc::Unavailable,
        Class::Corrupt => Grpc::DataLoss,
        Class::Bug => Grpc::Internal,
    };
    let mut status = Status::new(code, fault.outside(Lang::En));
    if let Ok(id) = fault.code().id.parse() {
        status.metadata_mut().insert(HEADER, id);
    }
    status
}

/// The fault of a status: the server's own if it named one of ours, otherwise a broken link with the causes inside.
pub(crate) fn to_fault(status: &Status, server: &str) -> Fault {
    let named = status.metadata().get(HEADER).and_then(|id| id.to_str().ok()).and_then(by_id);
    match named {
        Some(code) => Fault::new(code).object(server).found(status.message()),
        None => Fault::new(&fault::BROKEN).object(server).found(status.message()).because(chain(status)),
    }
}

fn by_id(id: &str) -> Option<&'static Code> {
    let known = fault::ALL.iter().chain(record::fault::ALL).chain(bus::fault::ALL).chain(port::fault::ALL);
    known.copied().find(|code| code.id == id)
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source()).take(8);
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
