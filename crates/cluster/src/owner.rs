//! Who runs the server: PostgreSQL refuses root, so root hands it to somebody else.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::ClusterError;

/// Who runs the server and owns its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Whoever runs this process.
    Ourselves,
    /// Another user, since we are root.
    Other {
        /// The user's number.
        uid: u32,
        /// The number of the user's group.
        gid: u32,
    },
}

impl Owner {
    /// Ourselves, or for root the user postgres or nobody.
    pub fn find() -> Result<Self, ClusterError> {
        if !geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let user = |name| User::from_name(name).ok().flatten();
        let user = user("postgres").or_else(|| user("nobody")).ok_or(ClusterError::NobodyToRunIt)?;
        Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    /// Gives a file or folder to the owner.
    pub(crate) fn give(self, path: &Path) -> Result<(), ClusterError> {
        let Self::Other { uid, gid } = self else { return Ok(()) };
        chown(path, Some(uid), Some(gid))
            .map_err(ClusterError::io(format!("{} cannot be given away", path.display())))
    }

    /// Makes a command run as the owner.
    pub(crate) fn run(self, mut command: Command) -> Command {
        // The working directory may be closed to the owner.
        command.current_dir("/");
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }
}
