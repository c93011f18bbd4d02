//! A server from its start to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::bulk::BulkPool;
use super::connections::{ServerParts, Servers};
use super::endpoint;
use super::metrics::Metrics;
use super::model_in_use::ModelInUse;
use super::reload::{INTERVAL, Reloader};
use super::services::{HEALTH_OF, Services};
use super::settings::Settings;
use super::shared::Shared;
use super::signals::{Signal, Signals};
use super::telemetry::{TelemetryError, Tracing};
use super::tls::{Tls, TlsError};
use super::tokens::{TokenError, Tokens};
use crate::model::{ModelError, load_and_try, resolve_version};

/// How long to wait where a connection cannot be accepted, for want of file descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often to look whether the last call has ended.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
/// How long connections on which no call is under way may take to end.
const LINGER: Duration = Duration::from_millis(500);

/// The shortest time between two signs of life.
const SHORTEST_WATCH: Duration = Duration::from_millis(10);

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// Traces cannot be exported.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The contract in the program is broken.
    #[error("the compiled contract cannot be reflected")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The operating system gives no threads, signals or timers.
    #[error("the operating system refuses threads, signals or timers")]
    System(#[from] io::Error),
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It was told to, and let calls under way end, or waited for them as long as it may.
    Drained,
    /// It was told to a second time, and waited for nothing.
    AtOnce,
}

/// Serves until the process is told to end.
///
/// # Errors
///
/// Whatever keeps it from starting. Once it answers, nothing ends it but a signal.
pub fn serve(settings: Settings) -> Result<Ending, ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ending = runtime.block_on(run(settings));
    // Nothing that still runs here is worth waiting for.
    runtime.shutdown_background();
    ending
}

async fn run(settings: Settings) -> Result<Ending, ServeError> {
    let mut signals = Signals::listen()?;
    let version = resolve_version(&settings.model)?;
    let classifier = load_and_try(&version)?;
    let tls = Tls::of(&settings)?.map(Arc::new);
    let tokens = settings.token_file.as_deref().map(Tokens::read).transpose()?;
    let listener = listen(settings.listen).await?;
    let operators = match settings.metrics_listen {
        Some(address) => Some(listen(address).await?),
        None => None,
    };

    let metrics = Metrics::new();
    metrics.model_in_use(&classifier, None);
    let model = ModelInUse::new(classifier, &metrics);
    let bulk = BulkPool::start(settings.bulk_threads)?;
    let tracing = Tracing::start(&settings)?;
    let shared = Arc::new(Shared::new(settings, model, bulk, metrics, tokens, tracing));

    let health = HealthReporter::new();
    let services = Services::new(&shared, health.clone()).map_err(ServeError::Reflection)?;
    let (end, ending) = watch::channel(false);
    let servers = Servers::start(&ServerParts {
        shared: Arc::clone(&shared),
        services: Arc::new(services),
        tls: tls.clone(),
        ending,
    })?;
    if let Some(operators) = operators {
        let address = operators.local_addr()?;
        tracing::info!(%address, "metrics and probes are answered over HTTP");
        tokio::spawn(endpoint::serve(operators, Arc::clone(&shared)));
    }

    say_ready(&shared, &health, true).await;
    tracing::info!(
        address = %listener.local_addr()?,
        model = %shared.model.load().classifier().id(),
        tls = tls.is_some(),
        mutual_tls = shared.settings.client_ca.is_some(),
        tokens = shared.settings.token_file.is_some(),
        "calls are answered"
    );
    notify(&[NotifyState::Ready]);
    // To the end: draining is living, too.
    tokio::spawn(watchdog());
    let reloader = Reloader::new(Arc::clone(&shared), tls, version);
    answer(&listener, &servers, &mut signals, reloader, &shared).await;

    notify(&[NotifyState::Stopping]);
    tracing::info!("stopping: not ready any more");
    say_ready(&shared, &health, false).await;
    let stopped = stop(listener, &servers, &shared, &end);
    let ending = tokio::select! {
        () = stopped => Ending::Drained,
        () = signals.end() => {
            tracing::warn!("told to end a second time: ending at once");
            Ending::AtOnce
        }
    };
    if ending == Ending::Drained {
        // Sending what is left needs this thread's runtime, so another waits for it.
        let _ = tokio::task::spawn_blocking(move || shared.tracing.shut_down()).await;
        tracing::info!("stopped");
    }
    Ok(ending)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

async fn say_ready(shared: &Shared, health: &HealthReporter, ready: bool) {
    shared.set_ready(ready);
    let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in HEALTH_OF {
        health.set_service_status(service, status).await;
    }
}

/// Takes connections, and looks after what changes, until told to end.
async fn answer(
    listener: &TcpListener,
    servers: &Servers,
    signals: &mut Signals,
    reloader: Reloader,
    shared: &Arc<Shared>,
) {
    let (reload, reloads) = watch::channel(());
    let upkeep = tokio::spawn(upkeep(reloader, reloads, Arc::clone(shared)));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => servers.serve(stream, peer),
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            signal = signals.next() => match signal {
                Signal::Reload => {
                    let _ = reload.send(());
                }
                Signal::End => break,
            },
        }
    }
    upkeep.abort();
}

/// Looks after files and a line on overload, once a second, and files when told to.
async fn upkeep(mut reloader: Reloader, mut reloads: watch::Receiver<()>, shared: Arc<Shared>) {
    let mut shed = 0;
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => reloader.look().await,
            told = reloads.changed() => match told {
                Ok(()) => reloader.look_at_all().await,
                Err(_) => return,
            },
        }
        let shed_by_now = shared.metrics.shed();
        if shed_by_now > shed {
            tracing::warn!(
                count = shed_by_now - shed,
                "calls were turned away: a limit is reached"
            );
            shed = shed_by_now;
        }
    }
}

/// Tells systemd that the server lives, where it wants to hear that: twice in the time after
/// which it would take it for dead.
async fn watchdog() {
    if let Some(limit) = sd_notify::watchdog_enabled() {
        let mut ticks = interval((limit / 2).max(SHORTEST_WATCH));
        loop {
            ticks.tick().await;
            notify(&[NotifyState::Watchdog]);
        }
    }
}

/// Ends connections as soon as the calls on them have ended, or the time is over.
async fn stop(
    listener: TcpListener,
    servers: &Servers,
    shared: &Shared,
    end: &watch::Sender<bool>,
) {
    let settings = &shared.settings;
    if !settings.shutdown_delay.0.is_zero() {
        // Who has not yet heard that the server is not ready still finds it answering.
        let until = Instant::now() + settings.shutdown_delay.0;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let Ok(Ok((stream, peer))) = tokio::time::timeout(left, listener.accept()).await {
                servers.serve(stream, peer);
            }
        }
    }
    drop(listener);
    let _ = end.send(true);
    let until = Instant::now() + settings.drain_timeout.0;
    let mut idle_since = None;
    while servers.open() > 0 {
        let under_way = shared.metrics.in_flight.get();
        if under_way == 0 {
            // Whoever watches the health keeps a connection open, and does not count.
            let since = *idle_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= LINGER {
                break;
            }
        } else {
            idle_since = None;
        }
        if Instant::now() >= until {
            tracing::warn!(under_way, "the time for calls under way is over");
            break;
        }
        sleep(DRAIN_LOOK).await;
    }
}

/// Tells systemd, if it started this process.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
