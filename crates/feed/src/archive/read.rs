//! Entries off a file, as a stream. [`verify`] reads all of it and tells whether it is whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use ordermesh_kernel::EventId;
use ordermesh_proto::feed::v1::archive_entry::Entry;
use ordermesh_proto::feed::v1::{ArchiveEntry, ArchiveHeader, ArchiveTrailer, ArchivedEvent};
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{ArchiveError, FORMAT, FORMAT_VERSION};
use crate::event::key_hash;
use crate::log::Boundary;
use crate::store::event;

/// The largest entry: more than any request that a server takes. A length beyond it is no length.
const MAX_ENTRY: u64 = 64 << 20;
/// The largest header: of a file that is something else, no more than this is read.
const MAX_HEADER: u64 = 64 << 10;

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Identity of the log.
    pub feed_id: Uuid,
    /// What its keys are.
    pub key_description: String,
    /// Position of the first event.
    pub first_position: i64,
    /// Number of events.
    pub count: i64,
    /// Position of the last event; the one before the first position when there is none.
    pub last_position: i64,
    /// Identity of the event at that position; none when that is 0.
    pub last_event_id: Option<EventId>,
    /// What stands before the first event.
    pub(crate) previous: Boundary,
}

/// Reads one archive from its beginning.
#[derive(Debug)]
pub struct ArchiveReader {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
    /// What was read so far.
    so_far: Archived,
    ended: bool,
}

impl ArchiveReader {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(|error| ArchiveError::Io { path: path.to_owned(), error })?;
        let mut file = BufReader::with_capacity(1 << 20, file);
        let bytes = match next_entry(&mut file, MAX_HEADER) {
            Ok(Some(bytes)) => bytes,
            Err(error) if !is_shape(&error) => {
                return Err(ArchiveError::Io { path: path.to_owned(), error });
            }
            Ok(None) | Err(_) => return Err(ArchiveError::Foreign(path.to_owned())),
        };
        let entry = ArchiveEntry::decode(&bytes.body[..]).ok().and_then(|entry| entry.entry);
        let Some(Entry::Header(header)) = entry.filter(is_ours) else {
            return Err(ArchiveError::Foreign(path.to_owned()));
        };
        if header.format_version != FORMAT_VERSION {
            let version = header.format_version;
            return Err(ArchiveError::Version { path: path.to_owned(), version });
        }
        let so_far = started(&header).ok_or_else(|| ArchiveError::Foreign(path.to_owned()))?;
        let mut hash = Sha256::new();
        bytes.hash_into(&mut hash);
        Ok(Self { path: path.to_owned(), file, hash, so_far, ended: false })
    }

    /// What was read so far; after the last event, what the archive holds.
    pub fn archived(&self) -> &Archived {
        &self.so_far
    }

    /// The next event; none after the last one, when the checksum has been compared.
    pub(crate) fn next_event(&mut self) -> Result<Option<event::Model>, ArchiveError> {
        if self.ended {
            return Ok(None);
        }
        let bytes = next_entry(&mut self.file, MAX_ENTRY).map_err(|error| self.failed(error))?;
        let bytes = bytes.ok_or_else(|| ArchiveError::Truncated(self.path.clone()))?;
        let entry = ArchiveEntry::decode(&bytes.body[..]).ok().and_then(|entry| entry.entry);
        match entry {
            Some(Entry::Event(event)) => {
                bytes.hash_into(&mut self.hash);
                let row = row(event).ok_or_else(|| self.changed("an event cannot be read"))?;
                let next = self.so_far.last_position.checked_add(1);
                if Some(row.position) != next {
                    let what = format!("position {} follows {}", row.position, self.so_far.last_position);
                    return Err(self.changed(&what));
                }
                self.so_far.count += 1;
                self.so_far.last_position = row.position;
                self.so_far.last_event_id = Some(EventId::from(row.event_id));
                Ok(Some(row))
            }
            Some(Entry::Trailer(trailer)) => self.end(&trailer).map(|()| None),
            Some(Entry::Header(_)) | None => Err(self.changed("an entry cannot be read")),
        }
    }

    fn end(&mut self, trailer: &ArchiveTrailer) -> Result<(), ArchiveError> {
        let so_far = &self.so_far;
        let last_event_id = id(&trailer.last_event_id).map(|id| id.map(EventId::from));
        if trailer.sha256[..] != self.hash.clone().finalize()[..] {
            return Err(self.changed("its checksum is another one"));
        }
        let expected = (so_far.count, so_far.last_position, Some(so_far.last_event_id));
        if (trailer.count, trailer.last_position, last_event_id) != expected {
            return Err(self.changed("its last entry does not fit the others"));
        }
        let rest = self.file.fill_buf().map(<[u8]>::len).map_err(|error| self.failed(error))?;
        if rest > 0 {
            return Err(self.changed("something follows its last entry"));
        }
        self.ended = true;
        Ok(())
    }

    fn changed(&self, what: &str) -> ArchiveError {
        ArchiveError::Changed { path: self.path.clone(), what: what.to_owned() }
    }

    fn failed(&self, error: io::Error) -> ArchiveError {
        match error.kind() {
            ErrorKind::UnexpectedEof => ArchiveError::Truncated(self.path.clone()),
            ErrorKind::InvalidData => self.changed("an entry has an impossible length"),
            _ => ArchiveError::Io { path: self.path.clone(), error },
        }
    }
}

/// Reads a whole archive and tells what it holds; an error when it is not whole. `progress` is told the events so far.
pub fn verify(path: &Path, progress: &dyn Fn(u64)) -> Result<Archived, ArchiveError> {
    read_through(path, |_, done| progress(done))
}

/// The same, and gives each event with the number of those so far.
pub(super) fn read_through(
    path: &Path,
    mut each: impl FnMut(&event::Model, u64),
) -> Result<Archived, ArchiveError> {
    let mut reader = ArchiveReader::open(path)?;
    while let Some(row) = reader.next_event()? {
        each(&row, reader.so_far.count.unsigned_abs());
    }
    Ok(reader.so_far)
}

fn is_ours(entry: &Entry) -> bool {
    matches!(entry, Entry::Header(header) if header.format == FORMAT)
}

/// An archive of which only the header was read; `None` when that contradicts itself.
fn started(header: &ArchiveHeader) -> Option<Archived> {
    let before = header.first_position.checked_sub(1)?;
    let previous = id(&header.previous_event_id)?.map(EventId::from);
    // The event before the first one is named if there is one.
    if before < 0 || (before == 0) != previous.is_none() {
        return None;
    }
    Some(Archived {
        feed_id: id(&header.feed_id)??,
        key_description: header.key_description.clone(),
        first_position: header.first_position,
        count: 0,
        last_position: before,
        last_event_id: previous,
        previous: Boundary {
            position: before,
            event_id: previous,
            recorded: previous.map(|_| header.previous_recorded_micros),
        },
    })
}

/// An id, or that there is none; `None` when these bytes are neither.
fn id(bytes: &[u8]) -> Option<Option<Uuid>> {
    match bytes.is_empty() {
        true => Some(None),
        false => Uuid::from_slice(bytes).ok().map(Some),
    }
}

fn row(event: ArchivedEvent) -> Option<event::Model> {
    Some(event::Model {
        position: event.position,
        event_id: Uuid::from_slice(&event.event_id).ok()?,
        kind: event.r#type,
        schema_version: event.schema_version,
        key_hash: key_hash(&event.key).cast_signed(),
        key: event.key,
        key_revision: event.key_revision,
        occurred_time: event.occurred_micros,
        recorded_time: event.recorded_micros,
        correlation_id: event.correlation_id,
        causation_id: event.causation_id,
        traceparent: event.traceparent,
        payload: event.payload.to_vec(),
        personal: event.personal.map(|personal| personal.to_vec()),
    })
}

/// An entry as it stands in the file.
struct EntryBytes {
    length: Vec<u8>,
    body: Vec<u8>,
}

impl EntryBytes {
    fn hash_into(&self, hash: &mut Sha256) {
        hash.update(&self.length);
        hash.update(&self.body);
    }
}

fn is_shape(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData)
}

/// The next entry; none at the end of the file.
fn next_entry(file: &mut impl BufRead, limit: u64) -> io::Result<Option<EntryBytes>> {
    if file.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let (mut length, mut value) = (Vec::with_capacity(5), 0_u64);
    loop {
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << (7 * length.len());
        length.push(byte[0]);
        if byte[0] < 0x80 {
            break;
        }
        if length.len() == 5 {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    if value > limit {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut body = Vec::new();
    // Not by the length's own word: a file that lies about it must not take that much memory.
    file.take(value).read_to_end(&mut body)?;
    match body.len() as u64 == value {
        true => Ok(Some(EntryBytes { length, body })),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}
