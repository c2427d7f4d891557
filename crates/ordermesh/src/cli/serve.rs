//! `dev` and `serve`: settings, listeners and signals around [`crate::run::run`].

use std::io::Write;
use std::sync::Arc;

use ordermesh_kernel::{Clock, SkewedClock, SystemClock};
use ordermesh_service::config::Settings;
use ordermesh_service::server::Listeners;
use ordermesh_service::{StartError, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::welcome::{Databases, welcome};
use super::{ServeArgs, samples};
use crate::contexts::{self, Registration};
use crate::run::{peer_with_each_other, reachable, run};

/// Every server in one process. Unless it is to be `bare`, a shop that has never had stock gets some.
pub(super) async fn dev(
    mut settings: Settings,
    databases: Databases,
    bare: bool,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    telemetry::start(&settings.log)?;
    let listeners = Listeners::bind(&mut settings.server).await?;
    let contexts: Vec<_> = contexts::ALL.iter().collect();
    peer_with_each_other(&mut settings, &contexts);
    let welcome = welcome(&settings, databases)?;
    let address = reachable(&settings.server.listen);
    start(settings, &contexts, listeners, shutdown, move || {
        tokio::spawn(async move {
            let stocked = if bare { Ok(None) } else { samples::stock(&address).await };
            let stocked = match stocked {
                Ok(None) => String::new(),
                Ok(Some(samples)) => format!("Stocked samples: {samples}. Cards: docs/payment.md; tok_approve pays, tok_decline does not.\n"),
                Err(error) => format!("WARNING: no samples are stocked: {error}\n"),
            };
            // Without a standard output there is nobody to welcome.
            let _ = std::io::stdout().write_all((welcome + &stocked).as_bytes());
        });
    })
    .await
}

/// Some servers, in the order in which `dev` starts them. They reach each other here, and others as the settings say.
pub(super) async fn some(args: ServeArgs) -> Result<(), StartError> {
    let mut settings = args.settings.load(false, &[])?;
    let shutdown = end_on_signals()?;
    telemetry::start(&settings.log)?;
    let listeners = Listeners::bind(&mut settings.server).await?;
    let wanted = |context: &&Registration| args.names.iter().any(|name| name == context.name);
    let contexts: Vec<_> = contexts::ALL.iter().filter(wanted).collect();
    peer_with_each_other(&mut settings, &contexts);
    start(settings, &contexts, listeners, shutdown, || {}).await
}

async fn start(
    settings: Settings,
    contexts: &[&'static Registration],
    listeners: Listeners,
    shutdown: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), StartError> {
    let server = settings.server.clone();
    let (listen, health, http) = (server.listen, server.health_listen, server.http_listen);
    let names: Vec<_> = contexts.iter().map(|context| context.name).collect();
    let names = names.join(",");
    let clock: Arc<dyn Clock> = match server.clock_skew_ms {
        0 => Arc::new(SystemClock),
        by_ms => {
            tracing::warn!(by_ms, "the clock of this server is set wrong on purpose");
            Arc::new(SkewedClock { by_ms })
        }
    };
    run(settings, contexts, listeners, clock, shutdown, move || {
        tracing::info!(listen, health, http, servers = names, "ready");
        ready();
    })
    .await
}

/// The first SIGTERM or SIGINT ends the process gracefully, a second one at once. On a thread of its own: while nobody
/// reads a full pipe of standard error, every thread that logs stands still.
pub(super) fn end_on_signals() -> Result<CancellationToken, StartError> {
    let shutdown = CancellationToken::new();
    let failed = |error: std::io::Error| StartError::Address {
        what: "signal handler",
        address: String::new(),
        error: error.into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (mut terminate, mut interrupt) = {
        let _runtime = runtime.enter();
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?)
    };
    let (told, all) = (shutdown.clone(), shutdown.clone());
    tokio::spawn(async move {
        told.cancelled().await;
        tracing::info!("shutting down");
    });
    let signals = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                std::process::exit(130);
            }
            shutdown.cancel();
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || runtime.block_on(signals)).map_err(failed)?;
    Ok(all)
}
