//! Entries to a file: written beside its name, put in its place when all is on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ordermesh_proto::feed::v1::archive_entry::Entry;
use ordermesh_proto::feed::v1::{ArchiveEntry, ArchiveHeader, ArchiveTrailer};
use prost::Message;
use sha2::{Digest, Sha256};

use super::ArchiveError;

/// Writes one archive. Dropped before [`finish`](Self::finish) it leaves a `.part` file, which the next attempt
/// overwrites.
pub(super) struct ArchiveWriter {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
}

impl ArchiveWriter {
    /// Begins a file that is not there yet.
    pub fn create(path: &Path, header: ArchiveHeader) -> Result<Self, ArchiveError> {
        if path.exists() {
            return Err(ArchiveError::Exists(path.to_owned()));
        }
        let mut part = path.to_owned().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&part);
        let file = file.map_err(|error| ArchiveError::Io { path: part.clone(), error })?;
        let file = BufWriter::with_capacity(1 << 20, file);
        let mut writer = Self { path: path.to_owned(), part, file, hash: Sha256::new() };
        writer.entry(Entry::Header(header))?;
        Ok(writer)
    }

    /// Appends an entry.
    pub fn entry(&mut self, entry: Entry) -> Result<(), ArchiveError> {
        let bytes = ArchiveEntry { entry: Some(entry) }.encode_length_delimited_to_vec();
        self.hash.update(&bytes);
        self.file.write_all(&bytes).map_err(|error| ArchiveError::Io { path: self.part.clone(), error })
    }

    /// Ends the file, has it on disk, and gives it its name.
    pub fn finish(
        mut self,
        count: i64,
        last_position: i64,
        last_event_id: Vec<u8>,
    ) -> Result<(), ArchiveError> {
        let sha256 = self.hash.clone().finalize().to_vec().into();
        let last_event_id = last_event_id.into();
        self.entry(Entry::Trailer(ArchiveTrailer { count, last_position, last_event_id, sha256 }))?;
        let Self { path, part, file, .. } = self;
        let failed = |error| ArchiveError::Io { path: part.clone(), error };
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        // A link fails where a rename would replace a file that appeared meanwhile.
        match fs::hard_link(&part, &path) {
            Ok(()) => fs::remove_file(&part).map_err(failed)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(ArchiveError::Exists(path));
            }
            // A file system without links.
            Err(_) => fs::rename(&part, &path).map_err(failed)?,
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new("."));
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| ArchiveError::Io { path: directory.to_owned(), error })
    }
}
