//! The command line: `dev` (also what no command means), `serve`, `config`, `contracts`, the verbs that contexts bring,
//! and those of the program.

mod contracts;
mod nouns;
mod postgres;
mod samples;
mod serve;
mod welcome;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ordermesh_console::failure::Failure;
use ordermesh_service::StartError;
use ordermesh_service::config::{ConfigError, Settings};

use self::welcome::Databases;
use crate::bench;
use crate::contexts;
use crate::verbs;

/// A headless order platform: `ordermesh` alone starts every server on this machine.
#[derive(Parser)]
#[command(name = "ordermesh", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    dev: DevArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Run every server of the platform in one process on embedded databases.
    Dev(DevArgs),
    /// Run one server, or some of them in one process.
    Serve(ServeArgs),
    /// Print the effective configuration as TOML, secrets masked.
    Config(ConfigArgs),
    /// The contracts that this binary was built with.
    #[command(subcommand)]
    Contracts(contracts::ContractsCommand),
    /// Measure this build on this machine, beside baselines, as ratios.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    #[command(flatten)]
    Context(nouns::ContextVerb),
    #[command(flatten)]
    Verb(verbs::Verb),
}

#[derive(Debug, Args)]
struct ServeArgs {
    /// The servers to run, such as order-command.
    #[arg(
        required = true,
        value_name = "NAME",
        value_parser = clap::builder::PossibleValuesParser::new(contexts::ALL.iter().map(|context| context.name))
    )]
    names: Vec<String>,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Debug, Args)]
struct DevArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Keep everything in a PostgreSQL server of its own below the data directory. It ends with this process; after a
    /// kill -9 of this one it goes on until the next start with the same directory.
    #[arg(long, conflicts_with = "in_memory")]
    postgres: bool,
    /// Put no sample articles into the stock of a shop that has never had any.
    #[arg(long)]
    bare: bool,
}

#[derive(Debug, Clone, Args)]
struct ConfigArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Keep everything in memory: gone when the process ends.
    #[arg(long)]
    in_memory: bool,
}

/// Flags over the environment over the file.
#[derive(Debug, Clone, Args)]
struct SettingsArgs {
    /// TOML file with settings [env: ORDERMESH_CONFIG].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the embedded databases [default: ./ordermesh-data].
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address and port of the gRPC server [default: 127.0.0.1:50051].
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Address and port of a plaintext listener with nothing but the health service.
    #[arg(long, value_name = "ADDR:PORT")]
    health_listen: Option<String>,
    /// What to log, such as info or info,ordermesh_feed=debug.
    #[arg(long, value_name = "FILTER")]
    log_level: Option<String>,
}

impl SettingsArgs {
    /// `variables` come over those of the environment.
    fn load(self, in_memory: bool, variables: &[(String, String)]) -> Result<Settings, ConfigError> {
        let flags = [
            ("data_dir", self.data),
            ("server.listen", self.listen),
            ("server.health_listen", self.health_listen),
            ("log.level", self.log_level),
            ("in_memory", in_memory.then(|| "true".to_owned())),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
        // A variable that is not text cannot be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .chain(variables.iter().cloned());
        // Set but empty means unset, as it is with other programs; clap would refuse it.
        let variable = || std::env::var_os("ORDERMESH_CONFIG").filter(|file| !file.is_empty());
        let file = self.config.or_else(|| variable().map(PathBuf::from));
        Settings::load(file.as_deref(), environment, flags, &contexts::sections())
    }
}

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Dev(cli.dev)) {
            Command::Dev(args) => dev(args).await,
            Command::Serve(args) => started(serve::some(args).await),
            Command::Config(args) => done(print_config(args)),
            Command::Contracts(command) => done(contracts::run(command)),
            Command::Bench(command) => done(bench::run(command).await),
            Command::Context(verb) => asked(verb.0.await),
            Command::Verb(verb) => asked(verbs::run(verb).await),
        }
    });
    // What is still running was given its grace already.
    runtime.shutdown_background();
    code
}

/// Every server in one process, beside its own PostgreSQL where that is wanted.
async fn dev(args: DevArgs) -> ExitCode {
    let load = |variables: &[_]| args.config.settings.clone().load(args.config.in_memory, variables);
    let settings = match load(&[]) {
        Ok(settings) => settings,
        Err(error) => return failed(&error),
    };
    // Before a PostgreSQL of its own starts, which would be left behind by a process that ends meanwhile.
    let shutdown = match serve::end_on_signals() {
        Ok(shutdown) => shutdown,
        Err(error) => return failed(&error),
    };
    if !args.postgres {
        return started(serve::dev(settings, Databases::Configured, args.bare, shutdown).await);
    }
    // As a flag it is refused beside --postgres by clap.
    if settings.in_memory {
        let must = "false with --postgres (its variable is ORDERMESH_IN_MEMORY)";
        return failed(&ConfigError::invalid("in_memory", true, must));
    }
    let data = settings.data_dir;
    let own = match tokio::task::block_in_place(|| postgres::start(&data)) {
        Ok(own) => own,
        Err(error) => return failed(&error),
    };
    match load(&own.variables) {
        Ok(settings) => started(serve::dev(settings, Databases::OwnPostgres, args.bare, shutdown).await),
        Err(error) => failed(&error),
    }
}

fn started(result: Result<(), StartError>) -> ExitCode {
    let hint = result.as_ref().err().and_then(hint);
    let code = done(result);
    if let Some(hint) = hint {
        // As with the error: when standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "hint: {hint}");
    }
    code
}

/// A taken port is the one failure of a start whose cure is an option.
fn hint(error: &StartError) -> Option<&'static str> {
    let StartError::Address { what, error, .. } = error else { return None };
    let taken = error.downcast_ref::<io::Error>()?.kind() == io::ErrorKind::AddrInUse;
    let health = what.starts_with("health");
    taken.then_some(if health {
        "choose another with --health-listen"
    } else {
        "choose another with --listen"
    })
}

/// How the process exits after a verb.
fn asked(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn done<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

fn print_config(args: ConfigArgs) -> Result<(), Box<dyn std::error::Error>> {
    let settings = args.settings.load(args.in_memory, &[])?;
    let mut table = settings.shared_toml()?;
    for context in contexts::ALL {
        table.insert(context.section.to_owned(), (context.config)(&settings)?);
    }
    Ok(write!(io::stdout(), "{}", toml::to_string(&table)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_error(what: &'static str, kind: io::ErrorKind) -> StartError {
        StartError::Address { what, address: String::new(), error: io::Error::from(kind).into() }
    }

    #[test]
    fn only_a_taken_port_is_answered_with_the_option_that_chooses_another() {
        let hint_for = |what, kind| hint(&address_error(what, kind));
        let taken = io::ErrorKind::AddrInUse;
        assert_eq!(hint_for("listen address", taken), Some("choose another with --listen"));
        assert_eq!(hint_for("health listen address", taken), Some("choose another with --health-listen"));
        assert_eq!(hint_for("listen address", io::ErrorKind::PermissionDenied), None);
    }
}
