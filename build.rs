//! Compiles `proto/` to Rust and to descriptor images, without protoc on the machine.
//!
//! Writes into OUT_DIR: one Rust file a package and `ordermesh.rs`, which includes them as modules; and
//! `descriptors.bin`, the whole image with options and source info, which reflection serves and buf checks; and
//! `event_types.rs` and `reasons.rs`, the tables of each feed's events and of the error reasons.
//! The build fails when a context's feed messages leave the canonical shape of `ordermesh.feed.v1`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
use protox::file::{ChainFileResolver, GoogleFileResolver, IncludeFileResolver};

/// The package whose messages every context's feed messages repeat.
const FEED_PACKAGE: &str = "ordermesh.feed.v1";

/// The methods of an event service beside Subscribe<Context>Events. Its messages have the methods' names.
const FEED_METHODS: [&str; 12] = [
    "GetFeed",
    "Acknowledge",
    "ListParkedEvents",
    "ReplayParkedEvents",
    "DiscardParkedEvents",
    "GetGroup",
    "ListGroups",
    "ResetGroup",
    "DeleteGroup",
    "ReportCheckpoint",
    "ListSubscribers",
    "ForgetSubscriber",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("proto");

    let mut resolver = ChainFileResolver::new();
    resolver.add(IncludeFileResolver::new(root.clone()));
    resolver.add(IncludeFileResolver::new(validate_proto_directory()?));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(proto_files(&root)?)?;
    fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut builder = tonic_prost_build::configure()
        .codec_path("crate::codec::Codec")
        .bytes(".")
        .include_file("ordermesh.rs");
    for (context_message, feed_message) in feed_twins(&compiler.descriptor_pool())? {
        builder =
            builder.extern_path(format!(".{context_message}"), format!("crate::feed::v1::{feed_message}"));
    }
    fs::write(out_dir.join("event_types.rs"), event_types(&compiler.descriptor_pool())?)?;
    fs::write(out_dir.join("reasons.rs"), reasons(&compiler.descriptor_pool()))?;
    let mut files = compiler.file_descriptor_set();
    // The rules are options, which prost drops; their own messages need no Rust code.
    files.file.retain(|file| !file.package().starts_with("buf."));
    // Messages know their names: the command line finds their descriptors by them.
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    Ok(builder.compile_fds_with_config(files, config)?)
}

/// All .proto files below `directory`, sorted, relative to `root`.
fn proto_files(root: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, found)?;
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                found.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(root, &mut found)?;
    let mut files = found
        .iter()
        .map(|path| Ok(path.strip_prefix(root)?.to_owned()))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    files.sort();
    Ok(files)
}

/// Where the published validate.proto lies: in the source of prost-protovalidate-types, which cargo has fetched.
fn validate_proto_directory() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env::var("CARGO_MANIFEST_DIR")?)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|package| package["name"] == "prost-protovalidate-types"))
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("prost-protovalidate-types is not among the packages of this workspace")?;
    let directory = Path::new(manifest).with_file_name("proto");
    match directory.join("buf/validate/validate.proto").is_file() {
        true => Ok(directory),
        false => Err(format!("no buf/validate/validate.proto below {}", directory.display()).into()),
    }
}

/// The messages of the contexts' event services with their canonical twins of ordermesh.feed.v1, which Rust uses
/// instead: one feed server and one consumer runtime then serve the typed services of all contexts.
fn feed_twins(pool: &DescriptorPool) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut twins = BTreeMap::new();
    for service in pool.services().filter(|service| service.name().ends_with("EventService")) {
        for method in service.methods() {
            let name = method.name();
            let canonical = match name.starts_with("Subscribe") && name.ends_with("Events") {
                true => "Subscribe",
                false if FEED_METHODS.contains(&name) => name,
                false => {
                    return Err(format!("{}: not a method of the canonical feed", method.full_name()).into());
                }
            };
            for (message, twin) in [
                (method.input(), format!("{canonical}Request")),
                (method.output(), format!("{canonical}Response")),
            ] {
                same_shape(pool, &message, &twin)?;
                twins.insert(message.full_name().to_owned(), twin);
            }
            match canonical {
                "Subscribe" => same_envelope(pool, &method.output(), "events")?,
                "ListParkedEvents" => {
                    let parked = message_of(&method.output(), "parked_events")?;
                    same_shape(pool, &parked, "ParkedEvent")?;
                    same_envelope(pool, &parked, "")?;
                    twins.insert(parked.full_name().to_owned(), "ParkedEvent".to_owned());
                }
                _ => {}
            }
        }
    }
    Ok(twins)
}

/// The message that a field holds.
fn message_of(message: &MessageDescriptor, field: &str) -> Result<MessageDescriptor, Box<dyn Error>> {
    message
        .get_field_by_name(field)
        .and_then(|field| field.kind().as_message().cloned())
        .ok_or_else(|| format!("{}: no message {field}", message.full_name()).into())
}

fn canonical(pool: &DescriptorPool, name: &str) -> Result<MessageDescriptor, Box<dyn Error>> {
    pool.get_message_by_name(&format!("{FEED_PACKAGE}.{name}"))
        .ok_or_else(|| format!("{FEED_PACKAGE}.{name} is missing").into())
}

/// A field as the wire sees it: number, name, type, repeated. What holds typed events counts as what holds bytes.
fn shape(message: &MessageDescriptor) -> Vec<String> {
    message
        .fields()
        .map(|field| {
            let kind = match field.kind() {
                Kind::Message(inner) if inner.name().ends_with("EventBatch") => "batch".to_owned(),
                Kind::Message(inner)
                    if inner.name().starts_with("Parked") && inner.name().ends_with("Event") =>
                {
                    "parked event".to_owned()
                }
                Kind::Message(inner) if field.name() == "event" && inner.name().ends_with("Event") => {
                    "event".to_owned()
                }
                Kind::Bytes if field.name() == "event" => "event".to_owned(),
                kind => format!("{kind:?}"),
            };
            format!("{} {} {kind} {:?}", field.number(), field.name(), field.cardinality())
        })
        .collect()
}

fn same_shape(pool: &DescriptorPool, message: &MessageDescriptor, twin: &str) -> Result<(), Box<dyn Error>> {
    let (ours, theirs) = (shape(message), shape(&canonical(pool, twin)?));
    match ours == theirs {
        true => Ok(()),
        false => Err(format!(
            "{} must have the fields of {FEED_PACKAGE}.{twin}\n  has:  {ours:#?}\n  must: {theirs:#?}",
            message.full_name()
        )
        .into()),
    }
}

/// Rust source of the `Reason` of every reason enum, whose values all begin with the enum's name.
fn reasons(pool: &DescriptorPool) -> String {
    pool.all_enums()
        .filter(|reasons| reasons.name().ends_with("ErrorReason"))
        .map(|reasons| {
            let module = reasons.package_name().trim_start_matches("ordermesh.").replace('.', "::");
            let unspecified = reasons.default_value();
            let prefix = unspecified.name().trim_end_matches("UNSPECIFIED");
            format!("reasons!(crate::{module}::{} => \"{prefix}\");\n", reasons.name())
        })
        .collect()
}

/// Rust source of one constant a feed, its events with the field numbers of payload and personal part, and of its
/// event message's `FeedEvent`.
fn event_types(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let personal = pool
        .get_extension_by_name("ordermesh.policy.v1.personal")
        .ok_or("ordermesh.policy.v1.personal is missing")?;
    let mut source = String::new();
    for event in pool.all_messages().filter(|message| {
        message.oneofs().any(|oneof| oneof.name() == "payload") && message.name().ends_with("Event")
    }) {
        let constant = event.package_name().trim_start_matches("ordermesh.").replace('.', "_").to_uppercase();
        source +=
            &format!("/// The events of `{}`.\npub const {constant}: &[EventType] = &[\n", event.full_name());
        for payload in event.fields().filter(|field| field.number() >= 20) {
            let Kind::Message(message) = payload.kind() else {
                return Err(format!("{}: a payload is a message", payload.full_name()).into());
            };
            let personal_tag = message
                .fields()
                .find(|field| field.options().get_extension(&personal).as_bool() == Some(true))
                .map(|field| field.number());
            source += &format!(
                "    EventType {{ name: \"{}\", payload_tag: {}, personal_tag: {personal_tag:?} }},\n",
                message.name(),
                payload.number(),
            );
        }
        source += "];\n";
        let module = event.package_name().trim_start_matches("ordermesh.").replace('.', "::");
        source += &format!("feed_event!(crate::{module}::{});\n", event.name());
    }
    Ok(source)
}

/// The event message of what holds events, in its field `batch` or itself, has the envelope's fields below 20 and its
/// payloads from 20 on.
fn same_envelope(
    pool: &DescriptorPool,
    holder: &MessageDescriptor,
    batch: &str,
) -> Result<(), Box<dyn Error>> {
    let event = match batch {
        "" => message_of(holder, "event")?,
        batch => message_of(&message_of(holder, batch)?, "events")?,
    };
    let envelope = shape(&canonical(pool, "EventEnvelope")?);
    let split = event.fields().filter(|field| field.number() < 20).count();
    let payload_in_oneof = event
        .fields()
        .filter(|field| field.number() >= 20)
        .all(|field| field.containing_oneof().is_some_and(|oneof| oneof.name() == "payload"));
    match shape(&event)[..split] == envelope[..] && payload_in_oneof {
        true => Ok(()),
        false => {
            Err(format!("{} must start with the fields of {FEED_PACKAGE}.EventEnvelope", event.full_name())
                .into())
        }
    }
}
