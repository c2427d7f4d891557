//! `contracts`: the contracts that this binary was built with.

use std::collections::HashSet;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;
use ordermesh_proto::DESCRIPTORS;
use prost::Message;
use prost_types::FileDescriptorSet;

/// Files that only options need. A client without them builds in any language with nothing but protobuf itself.
const OPTION_FILES: [&str; 2] = ["buf/validate/", "ordermesh/policy/"];

/// What to do with the contracts.
#[derive(Debug, Subcommand)]
pub(super) enum ContractsCommand {
    /// Write the descriptor image (a FileDescriptorSet), from which protoc and buf generate clients.
    Image {
        /// Keep the options (validation rules and policy) and the files that they need.
        #[arg(long)]
        options: bool,
        /// File to write; standard output if not given.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(command: ContractsCommand) -> Result<(), Box<dyn Error>> {
    let ContractsCommand::Image { options, out } = command;
    let image = match options {
        true => DESCRIPTORS.to_vec(),
        false => without_options(DESCRIPTORS)?,
    };
    match out {
        Some(file) => {
            std::fs::write(&file, image).map_err(|error| format!("{}: {error}", file.display()).into())
        }
        None => Ok(std::io::stdout().write_all(&image)?),
    }
}

/// The image without custom options: prost's descriptor types leave them out by themselves, so what is left to do
/// is to drop the files that define them.
fn without_options(image: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    let of_options = |name: &str| OPTION_FILES.iter().any(|prefix| name.starts_with(prefix));
    let mut set = FileDescriptorSet::decode(image)?;
    set.file.retain(|file| !of_options(file.name()));
    for file in &mut set.file {
        file.dependency.retain(|name| !of_options(name));
    }
    // What only the dropped files needed goes, too.
    let needed: HashSet<_> = set.file.iter().flat_map(|file| file.dependency.clone()).collect();
    set.file.retain(|file| file.package().starts_with("ordermesh.") || needed.contains(file.name()));
    Ok(set.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_for_clients_stands_by_itself() {
        let image = without_options(DESCRIPTORS).unwrap();
        let pool = prost_reflect::DescriptorPool::decode(image.as_slice()).unwrap();
        assert!(pool.get_service_by_name("ordermesh.order.v1.OrderEventService").is_some());
        assert!(pool.get_message_by_name("ordermesh.policy.v1.Policy").is_none());
    }
}
