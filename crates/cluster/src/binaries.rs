//! Where PostgreSQL's programs are: Debian keeps them off the PATH, a folder each major version.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ClusterError;

/// The oldest major version that ordermesh supports.
pub(crate) const OLDEST: u32 = 15;
const VERSIONED: &str = "/usr/lib/postgresql";

/// The folder of one installation.
#[derive(Debug, Clone)]
pub struct Binaries(PathBuf);

impl Binaries {
    /// The newest installation that is new enough: a distribution's folders first, since a PATH may hold wrappers.
    pub fn find() -> Result<Self, ClusterError> {
        let versions = std::fs::read_dir(VERSIONED).into_iter().flatten().flatten();
        let versioned = versions.map(|entry| entry.path().join("bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut found = newest(versioned.collect());
        if found.is_none() {
            found = newest(std::env::split_paths(&path).collect());
        }
        found.map(Self).ok_or(ClusterError::NotInstalled)
    }

    /// A command that runs one of the programs.
    pub(crate) fn command(&self, program: &str) -> Command {
        Command::new(self.0.join(program))
    }
}

fn newest(folders: Vec<PathBuf>) -> Option<PathBuf> {
    let versions = folders.into_iter().filter_map(|folder| Some((version(&folder)?, folder)));
    versions
        .filter(|(version, _)| *version >= OLDEST)
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| folder)
}

/// The major version of a folder's programs; none where they are not complete.
fn version(folder: &Path) -> Option<u32> {
    if !folder.join("initdb").exists() {
        return None;
    }
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stdout))
}

/// 15 of `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
