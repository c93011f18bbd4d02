//! Connections: accepted on one thread, each then served by one of several.
//!
//! Every serving thread has a runtime of its own, and a connection stays where it was put. A short
//! call is read, classified and answered there without waking another thread, which costs more
//! than the classification does.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::gate::Gate;
use super::metrics::Turned;
use super::services::Services;
use super::shared::Shared;
use super::tls::{Tls, handshake_failure, subject_on_list};

/// Connections above the limit, on which only health is answered: somebody has to be able to ask.
const SURPLUS_CONNECTIONS: usize = 32;
/// How long such a connection may last.
const SURPLUS_AGE: Duration = Duration::from_secs(10);
/// What a client may have on the way on one stream, and on all of a connection, in bytes.
const STREAM_WINDOW: u32 = 1 << 18;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// The longest list of headers, in bytes.
const MAX_HEADERS: u32 = 16 << 10;

/// What a call may want to know of its connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    /// It is above the limit: only health is answered.
    pub(super) surplus: bool,
    /// The names of its client certificate, if none of them is on the list.
    pub(super) refused_subject: Option<String>,
    /// Told where its client does not take what it is sent.
    pub(super) give_up: Notify,
}

/// The threads that serve connections.
#[derive(Debug)]
pub(super) struct Servers {
    threads: Vec<ServerThread>,
    open: Arc<AtomicUsize>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct ServerThread {
    connections: mpsc::UnboundedSender<Accepted>,
    open: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    surplus: bool,
}

/// What each serving thread needs.
#[derive(Debug, Clone)]
pub(super) struct ServerParts {
    pub(super) shared: Arc<Shared>,
    pub(super) services: Arc<Services>,
    pub(super) tls: Option<Arc<Tls>>,
    /// True once connections are to end.
    pub(super) ending: watch::Receiver<bool>,
}

impl Servers {
    /// Starts the threads.
    pub(super) fn start(parts: &ServerParts) -> io::Result<Self> {
        let open = Arc::new(AtomicUsize::new(0));
        let threads = (0..parts.shared.settings.threads).map(|number| {
            let (connections, accepted) = mpsc::unbounded_channel();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let open_here = Arc::new(AtomicUsize::new(0));
            let counts = [Arc::clone(&open), Arc::clone(&open_here)];
            let parts = parts.clone();
            thread::Builder::new()
                .name(format!("serve-{number}"))
                .spawn(move || runtime.block_on(serve_all(accepted, parts, counts)))?;
            Ok(ServerThread { connections, open: open_here })
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Self { threads, open, shared: Arc::clone(&parts.shared) })
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Gives a new connection to the thread that has the fewest.
    pub(super) fn serve(&self, stream: TcpStream, peer: SocketAddr) {
        let limit = self.shared.settings.max_connections as usize;
        let open = self.open();
        let surplus = open >= limit;
        if surplus {
            self.shared.metrics.turned_away(Turned::Connections);
        }
        if open >= limit + SURPLUS_CONNECTIONS {
            return;
        }
        let Ok(stream) = stream.into_std() else {
            return;
        };
        let Some(thread) =
            self.threads.iter().min_by_key(|thread| thread.open.load(Ordering::Relaxed))
        else {
            return;
        };
        for count in [&self.open, &thread.open] {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.shared.metrics.connections.inc();
        // The threads last as long as the process.
        let _ = thread.connections.send(Accepted { stream, peer, surplus });
    }
}

async fn serve_all(
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
    parts: ServerParts,
    open: [Arc<AtomicUsize>; 2],
) {
    while let Some(connection) = accepted.recv().await {
        let parts = parts.clone();
        let open = open.clone();
        tokio::spawn(async move {
            let peer = connection.peer;
            let shared = Arc::clone(&parts.shared);
            let _closed = OnDrop(|| {
                for count in &open {
                    count.fetch_sub(1, Ordering::Relaxed);
                }
                shared.metrics.connections.dec();
            });
            if let Err(error) = serve_one(connection, parts).await {
                tracing::debug!(%peer, error, "a connection broke off");
            }
        });
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

async fn serve_one(accepted: Accepted, parts: ServerParts) -> Result<(), String> {
    let Accepted { stream, peer, surplus } = accepted;
    let stream = TcpStream::from_std(stream).map_err(|error| error.to_string())?;
    // An answer is written in one go and must not wait for another.
    let _ = stream.set_nodelay(true);
    let settings = &parts.shared.settings;
    let mut connection =
        Connection { peer, surplus, refused_subject: None, give_up: Notify::new() };
    let Some(tls) = &parts.tls else {
        return serve_http(stream, connection, &parts).await;
    };
    let handshake = timeout(settings.handshake_timeout.0, tls.acceptor().accept(stream));
    let failed = |reason: String| {
        parts.shared.metrics.turned_away(Turned::Tls);
        tracing::info!(%peer, reason, "a TLS handshake failed");
        Ok(())
    };
    let stream = match handshake.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return failed(handshake_failure(&error)),
        Err(_) => return failed("it took too long".to_owned()),
    };
    if !settings.allowed_subjects.is_empty() {
        let certificates = stream.get_ref().1.peer_certificates();
        let subject = certificates.and_then(<[_]>::first).map_or_else(
            || Err("which is missing".to_owned()),
            |certificate| subject_on_list(certificate, &settings.allowed_subjects),
        );
        connection.refused_subject = subject.err();
    }
    serve_http(stream, connection, &parts).await
}

async fn serve_http<IO>(io: IO, connection: Connection, parts: &ServerParts) -> Result<(), String>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let settings = &parts.shared.settings;
    let surplus = connection.surplus;
    let begun = Arc::new(AtomicBool::new(false));
    let io = Watched { io, received: 0, begun: Arc::clone(&begun) };
    let connection = Arc::new(connection);
    let gate =
        Gate::new(Arc::clone(&parts.shared), Arc::clone(&parts.services), Arc::clone(&connection));
    let http = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(settings.keep_alive_interval.0)
        .keep_alive_timeout(settings.keep_alive_timeout.0)
        .max_concurrent_streams(settings.max_streams_per_connection)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEADERS)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(io), gate);
    let mut http = pin!(http);
    let mut ending = parts.ending.clone();
    let now = Instant::now();
    let mut first_bytes = pin!(sleep_until(now + settings.handshake_timeout.0));
    let age = if surplus { SURPLUS_AGE } else { settings.max_connection_age.0 };
    // An age of 0 is none: a hundred years.
    let age = if age.is_zero() { Duration::from_secs(100 * 365 * 86_400) } else { age };
    let mut old = pin!(sleep_until(now + age));
    let (mut waits_for_first_bytes, mut told_to_end) = (true, false);
    loop {
        tokio::select! {
            biased;
            done = &mut http => return done.map_err(|error| error.to_string()),
            () = &mut first_bytes, if waits_for_first_bytes => {
                waits_for_first_bytes = false;
                if !begun.load(Ordering::Relaxed) {
                    return Err("it never began to speak HTTP/2".to_owned());
                }
            }
            () = connection.give_up.notified() => {
                return Err("its client does not take what it is sent".to_owned());
            }
            () = &mut old, if !told_to_end => {
                told_to_end = true;
                http.as_mut().graceful_shutdown();
            }
            // Also if the server itself is gone.
            _ = ending.wait_for(|ending| *ending), if !told_to_end => {
                told_to_end = true;
                http.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A connection that says whether HTTP/2 has begun on it.
#[derive(Debug)]
struct Watched<IO> {
    io: IO,
    received: usize,
    begun: Arc<AtomicBool>,
}

/// The length of HTTP/2's first words, `PRI * HTTP/2.0 …`.
const PREFACE: usize = 24;

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if self.received < PREFACE {
            self.received += buffer.filled().len() - before;
            if self.received >= PREFACE {
                self.begun.store(true, Ordering::Relaxed);
            }
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
