//! Settings from a TOML file, the environment and flags, the later over the earlier.
//!
//! `server.listen` of the file is `ORDERMESH_SERVER__LISTEN` in the environment: the prefix, then the sections
//! joined by two underscores. Every section has a type that refuses unknown keys; a section that belongs to no
//! server is refused by name too. What may hold a secret masks itself when it is printed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const ENVIRONMENT_PREFIX: &str = "ORDERMESH_";
/// Variables of the command line client and of scripts/postgres; they are not settings of a server.
const CLIENT_VARIABLES: [&str; 3] = ["ORDERMESH_ADDR", "ORDERMESH_CONFIG", "ORDERMESH_POSTGRES"];
/// Top-level settings beside the sections of the contexts.
const SHARED: [&str; 6] = ["data_dir", "in_memory", "server", "log", "database", "peers"];

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// A setting that is needed and not there.
    pub fn missing(key: &str, what: &str) -> Self {
        Self(format!("`{key}` is not set: {what}"))
    }

    /// A setting whose value cannot be used, and what it must be.
    pub fn invalid(key: &str, value: impl fmt::Display, must: &str) -> Self {
        Self(format!("`{key}` is {value}, but must be {must}"))
    }
}

/// Where a server listens and how much it takes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port of the gRPC server. Default 127.0.0.1:50051.
    pub listen: String,
    /// Address and port of a second plaintext listener with nothing but the health service; empty: none.
    pub health_listen: String,
    /// Address and port of a plaintext listener for HTTP: what contexts serve beside gRPC, such as a provider's webhooks,
    /// and `/health`; empty: none.
    pub http_listen: String,
    /// Size of the largest request in bytes. Default 1 MiB.
    pub max_request_bytes: usize,
    /// How long running calls may take to end after a shutdown signal. Default 10.
    pub shutdown_grace_seconds: u64,
    /// How far the server's clock is ahead of the machine's, in milliseconds; negative: behind. Default 0. For game days
    /// and tests of what a wrong clock does.
    pub clock_skew_ms: i64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:50051".to_owned(),
            health_listen: String::new(),
            http_listen: String::new(),
            clock_skew_ms: 0,
            max_request_bytes: 1 << 20,
            shutdown_grace_seconds: 10,
        }
    }
}

/// How PostgreSQL is used; SQLite needs no settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseSettings {
    /// Connections that write, each context's own. Default 4.
    pub write_connections: u32,
    /// Connections that read, each context's own. Default 8.
    pub read_connections: u32,
    /// How long a call waits for a connection before it is refused. Default 2000.
    pub connect_timeout_ms: u64,
    /// How long a statement may take. Default 10000.
    pub statement_timeout_ms: u64,
    /// How long a replica that has stopped in the middle of a transaction may hold its locks. Default 3000.
    pub idle_in_transaction_timeout_ms: u64,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            write_connections: 4,
            read_connections: 8,
            connect_timeout_ms: 2000,
            statement_timeout_ms: 10_000,
            idle_in_transaction_timeout_ms: 3000,
        }
    }
}

impl DatabaseSettings {
    /// How long anything may wait for the database in all: what the time-outs on its own side add up to, and a second. Who
    /// has no answer by then gets none. The one limit on this side, for calls, batches of commands, the following of
    /// the log, and each statement of what works in the background.
    pub fn patience(&self) -> Duration {
        if self.statement_timeout_ms == 0 {
            return Duration::MAX;
        }
        let timeouts =
            [self.connect_timeout_ms, self.statement_timeout_ms, self.idle_in_transaction_timeout_ms];
        Duration::from_secs(1) + timeouts.map(Duration::from_millis).iter().sum::<Duration>()
    }
}

/// What is logged and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// Level or filter such as `info,ordermesh_feed=debug`. Default info.
    pub level: String,
    /// Shape of the lines.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Auto }
    }
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// A URL that may hold a secret: of its user part and its query nothing is printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct MaskedUrl(String);

impl MaskedUrl {
    /// The whole URL.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True when no URL is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for MaskedUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for MaskedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, query) = self.0.split_once('?').map_or((&*self.0, ""), |(url, _)| (url, "?***"));
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        match rest.rsplit_once('@') {
            Some((_secret, host)) => write!(f, "{scheme}://***@{host}{query}"),
            None => write!(f, "{url}{query}"),
        }
    }
}

impl fmt::Debug for MaskedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MaskedUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// All settings: the shared ones typed, the contexts' sections typed when they are asked for.
#[derive(Debug, Clone)]
pub struct Settings {
    merged: ::config::Config,
    /// Where embedded databases lie. Default ./ordermesh-data.
    pub data_dir: PathBuf,
    /// Keep embedded databases in memory only.
    pub in_memory: bool,
    /// The server.
    pub server: ServerSettings,
    /// Logs.
    pub log: LogSettings,
    /// PostgreSQL.
    pub database: DatabaseSettings,
    /// Where other servers answer, by name such as `order_command`: a URL.
    pub peers: BTreeMap<String, MaskedUrl>,
}

impl Settings {
    /// Merges the file, the environment and the flags. `sections` are the names of the contexts' sections.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: impl IntoIterator<Item = (&'static str, String)>,
        sections: &[&str],
    ) -> Result<Self, ConfigError> {
        let merged = merge(file, environment, flags).map_err(|error| ConfigError(error.to_string()))?;
        let known: Vec<_> = SHARED.iter().chain(sections).copied().collect();
        let keys: BTreeMap<String, ::config::Value> =
            merged.clone().try_deserialize().map_err(|error| ConfigError(error.to_string()))?;
        if let Some(unknown) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(ConfigError(format!(
                "unknown key `{unknown}`, expected one of {}",
                known.join(", ")
            )));
        }
        Ok(Self {
            data_dir: get(&merged, "data_dir", || PathBuf::from("./ordermesh-data"))?,
            in_memory: get(&merged, "in_memory", || false)?,
            server: get(&merged, "server", ServerSettings::default)?,
            log: get(&merged, "log", LogSettings::default)?,
            database: get(&merged, "database", DatabaseSettings::default)?,
            peers: get(&merged, "peers", BTreeMap::new)?,
            merged,
        })
    }

    /// A context's section, or its defaults when it is not there.
    pub fn section<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, ConfigError> {
        get(&self.merged, name, T::default)
    }

    /// Where the database of a context is: at its `url`, or when that is empty in `<data_dir>/<name>.db`.
    pub fn database_url(&self, name: &str, url: &MaskedUrl) -> MaskedUrl {
        match url.is_empty() {
            true => format!("sqlite:{}", self.data_dir.join(format!("{name}.db")).display()).into(),
            false => url.clone(),
        }
    }

    /// The shared settings as TOML, secrets masked.
    pub fn shared_toml(&self) -> Result<toml::Table, ConfigError> {
        let mut table = toml::Table::new();
        table.insert("data_dir".to_owned(), self.data_dir.display().to_string().into());
        table.insert("in_memory".to_owned(), self.in_memory.into());
        table.insert("server".to_owned(), to_toml(&self.server)?);
        table.insert("log".to_owned(), to_toml(&self.log)?);
        table.insert("database".to_owned(), to_toml(&self.database)?);
        table.insert("peers".to_owned(), to_toml(&self.peers)?);
        Ok(table)
    }
}

/// A section as TOML; what may hold a secret masks itself.
pub fn to_toml(section: &impl Serialize) -> Result<toml::Value, ConfigError> {
    toml::Value::try_from(section).map_err(|error| ConfigError(error.to_string()))
}

fn merge(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<::config::Config, ::config::ConfigError> {
    let mut builder = ::config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(::config::File::from(file).format(::config::FileFormat::Toml));
    }
    for (name, value) in environment {
        let Some(key) = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|key| !key.is_empty()) else { continue };
        if !CLIENT_VARIABLES.contains(&name.as_str()) && !is_service_link(key) {
            builder = builder.set_override(key.to_lowercase().replace("__", "."), value)?;
        }
    }
    for (key, value) in flags {
        builder = builder.set_override(key, value)?;
    }
    builder.build()
}

/// Kubernetes gives every pod variables such as ORDERMESH_PORT for a Service of that name. They are no settings.
fn is_service_link(key: &str) -> bool {
    ["PORT", "SERVICE"].iter().any(|link| {
        key.strip_prefix(link)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with('_') && !rest.starts_with("__")))
    })
}

fn get<T: DeserializeOwned>(
    merged: &::config::Config,
    key: &str,
    default: impl FnOnce() -> T,
) -> Result<T, ConfigError> {
    match merged.get::<T>(key) {
        Ok(value) => Ok(value),
        Err(::config::ConfigError::NotFound(missing)) if missing == key => Ok(default()),
        Err(error) => Err(ConfigError(format!("in `{key}`: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn load(
        toml: &str,
        environment: &[(&str, &str)],
        flags: &[(&'static str, &str)],
    ) -> Result<Settings, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(toml.as_bytes()).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned()));
        Settings::load(Some(file.path()), environment, flags, &["order_command"])
    }

    #[test]
    fn flags_win_over_the_environment_and_the_environment_over_the_file() {
        let file = "[server]\nlisten = \"file:1\"\nhealth_listen = \"file:2\"\nmax_request_bytes = 3";
        let environment =
            [("ORDERMESH_SERVER__LISTEN", "env:1"), ("ORDERMESH_SERVER__HEALTH_LISTEN", "env:2")];
        let settings = load(file, &environment, &[("server.listen", "flag:1")]).unwrap();
        assert_eq!(settings.server.listen, "flag:1");
        assert_eq!(settings.server.health_listen, "env:2");
        assert_eq!(settings.server.max_request_bytes, 3);
    }

    #[test]
    fn what_kubernetes_says_of_a_service_of_our_name_is_no_setting() {
        let links =
            [("ORDERMESH_PORT", "tcp://10.0.0.1:50051"), ("ORDERMESH_PORT_50051_TCP_ADDR", "10.0.0.1")];
        load("", &links, &[]).unwrap();
        load("", &[("ORDERMESH_SERVICE_HOST", "10.0.0.1")], &[]).unwrap();
        load("", &[("ORDERMESH_PORTS", "1")], &[]).unwrap_err();
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_wherever_it_stands() {
        for (file, key) in
            [("liste = 1", "liste"), ("[server]\nliste = 1", "liste"), ("[log]\ncolour = 1", "colour")]
        {
            let error = load(file, &[], &[]).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        let error = load("", &[("ORDERMESH_SERVER__LISTN", "x")], &[]).unwrap_err().to_string();
        assert!(error.contains("listn"), "{error}");
    }

    #[test]
    fn no_secret_of_a_url_is_ever_printed() {
        let printed = |url: &str| MaskedUrl::from(url.to_owned()).to_string();
        assert_eq!(printed("postgres://shop:s3cret@db:5432/orders"), "postgres://***@db:5432/orders");
        assert_eq!(printed("postgres://t0ken@db/orders?sslpass=zzz"), "postgres://***@db/orders?***");
        assert_eq!(printed("postgres://shop:p@ss@db/orders"), "postgres://***@db/orders");
        assert_eq!(printed("sqlite:///data/a.db"), "sqlite:///data/a.db");
        let settings = load("[peers]\na = \"http://u:s3cret@h:1\"", &[], &[]).unwrap();
        assert!(!settings.shared_toml().unwrap().to_string().contains("s3cret"));
    }
}
