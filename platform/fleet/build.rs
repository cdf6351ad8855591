//! Generates the service code from the methods named here; messages are hand-written in `src/wire.rs`, so no protoc.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let method = |name: &str, route: &str, input: &str, output: &str| -> MethodBuilder {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type(format!("crate::wire::{input}"))
            .output_type(format!("crate::wire::{output}"))
            .codec_path("tonic_prost::ProstCodec")
    };
    let service = Service::builder()
        .name("Fleet")
        .package("garrison.fleet.v1")
        .method(method("enroll", "Enroll", "EnrollRequest", "EnrollReply").build())
        .method(method("renew", "Renew", "RenewRequest", "RenewReply").build())
        .method(method("link", "Link", "AgentMessage", "ServerMessage").client_streaming().server_streaming().build())
        .build();
    Builder::new().compile(&[service]);
}
