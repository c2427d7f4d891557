//! Reflection: a tool that knows nothing but the address finds every service and every type.

use ordermesh_testkit::Server;
use ordermesh_testkit::client::channel;
use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use tonic_reflection::pb::{v1, v1alpha};

use crate::{BINARY, SERVICES};

/// Asks one question in one version of the protocol; the two have the same messages in different packages.
macro_rules! ask {
    ($version:ident, $address:expr, $question:ident($text:expr)) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let mut client = $version::server_reflection_client::ServerReflectionClient::new(channel($address));
        let request = $version::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::$question($text.to_owned())),
        };
        let answers = client.server_reflection_info(tonic::codegen::tokio_stream::once(request)).await;
        let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
        match answer.message_response.unwrap() {
            MessageResponse::ListServicesResponse(list) => {
                list.service.into_iter().map(|service| service.name.into_bytes()).collect()
            }
            MessageResponse::FileDescriptorResponse(files) => files.file_descriptor_proto,
            other => panic!("{other:?}"),
        }
    }};
}

#[tokio::test]
async fn reflection_lists_every_service_in_both_versions() {
    let server = Server::scratch(BINARY).await;
    let v1: Vec<Vec<u8>> = ask!(v1, server.addr(), ListServices(""));
    let v1alpha: Vec<Vec<u8>> = ask!(v1alpha, server.addr(), ListServices(""));
    for names in [v1, v1alpha] {
        let names: Vec<_> = names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect();
        for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
            assert!(names.iter().any(|name| name == service), "{service} is missing in {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("NoService")));
    }
}

#[tokio::test]
async fn a_service_is_described_with_all_files_that_it_needs() {
    let server = Server::scratch(BINARY).await;
    // Files are answered one by one, as a tool asks for what they import.
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    let mut wanted: Vec<String> = Vec::new();
    let first: Vec<Vec<u8>> = ask!(v1, server.addr(), FileContainingSymbol(SERVICES[0]));
    let mut found = first.iter().map(|bytes| decode(bytes)).collect::<Vec<_>>();
    loop {
        for file in found {
            wanted.extend(file.dependency.iter().cloned());
            files.push(file);
        }
        wanted.retain(|name| !files.iter().any(|file| file.name() == name));
        let Some(next) = wanted.pop() else { break };
        let answer: Vec<Vec<u8>> = ask!(v1alpha, server.addr(), FileByFilename(next));
        found = answer.iter().map(|bytes| decode(bytes)).collect();
        found.retain(|file| !files.iter().any(|known| known.name() == file.name()));
    }
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files).unwrap();
    let service = pool.get_service_by_name(SERVICES[0]).unwrap();
    let methods: Vec<_> = service.methods().map(|method| method.name().to_owned()).collect();
    assert_eq!(methods[..3], ["PlaceOrder", "CancelOrder", "CancelOrderLines"]);
    assert_eq!(methods.len(), 14);
    // Details of errors can be shown by a tool, too.
    let details: Vec<Vec<u8>> = ask!(v1, server.addr(), FileContainingSymbol("google.rpc.ErrorInfo"));
    assert!(!details.is_empty());
}

fn decode(bytes: &[u8]) -> FileDescriptorProto {
    FileDescriptorProto::decode(bytes).unwrap()
}
