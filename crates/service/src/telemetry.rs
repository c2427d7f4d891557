//! Logs: pretty on a terminal, JSON otherwise, on standard error so that standard output stays the user's.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};
use crate::environment::StartError;

/// Starts logging for the process. A second call changes nothing.
pub fn start(settings: &LogSettings) -> Result<(), StartError> {
    // What a library says on every start is noise unless somebody asks for it.
    let filter =
        EnvFilter::try_new(format!("sea_orm_migration=warn,{}", settings.level)).map_err(|error| {
            StartError::Address { what: "log level", address: settings.level.clone(), error: error.into() }
        })?;
    let pretty = match settings.format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Who no longer reads the log (`… 2>&1 | head`) must not end what writes it: the complaint about a line that cannot
        // be written would go to standard error too, and panics there.
        .log_internal_errors(false);
    // An error means that logging runs already, as when a test starts several servers.
    let _ = match pretty {
        true => builder.with_ansi(stderr().is_terminal()).compact().try_init(),
        false => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}
