//! Threads of their own for long work, at a lower priority than calls that somebody waits for.
//!
//! A single short comment is classified where its call arrives, on a thread that answers calls.
//! Everything longer is cut into slices that run here, so that it never keeps such a thread. The
//! operating system gives these threads what the others leave.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, select, unbounded};
use tokio::sync::oneshot;

/// How much lower than the rest of the process these threads run, in steps of `nice`.
const NICENESS: i32 = 10;

/// Which queue a job waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Somebody waits for it: taken before every [`Bulk`](Self::Bulk) job.
    Single,
    /// Part of a batch or stream.
    Bulk,
}

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when the pool is dropped.
#[derive(Debug)]
pub(super) struct BulkPool {
    single: Sender<Job>,
    bulk: Sender<Job>,
}

impl BulkPool {
    /// Starts `threads` threads.
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let (single, single_jobs) = unbounded();
        let (bulk, bulk_jobs) = unbounded();
        for number in 0..threads {
            let (single_jobs, bulk_jobs) = (single_jobs.clone(), bulk_jobs.clone());
            thread::Builder::new().name(format!("bulk-{number}")).spawn(move || {
                lower_priority();
                work(&single_jobs, &bulk_jobs);
            })?;
        }
        Ok(Self { single, bulk })
    }

    /// Runs `job` on one of the threads. It is given a way to ask whether anybody still waits for
    /// what it gives; where nobody does before it begins, it never runs.
    ///
    /// `None` if the job was not done, because it panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        urgency: Urgency,
        job: impl FnOnce(&dyn Fn() -> bool) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move || {
            if !sender.is_closed() {
                let done = job(&|| !sender.is_closed());
                // Nobody waits for it any more.
                let _ = sender.send(done);
            }
        });
        let queue = match urgency {
            Urgency::Single => &self.single,
            Urgency::Bulk => &self.bulk,
        };
        queue.send(job).ok()?;
        receiver.await.ok()
    }
}

fn work(single: &Receiver<Job>, bulk: &Receiver<Job>) {
    loop {
        let job = match single.try_recv() {
            Ok(job) => Ok(job),
            Err(_) => select! {
                recv(single) -> job => job,
                recv(bulk) -> job => job,
            },
        };
        let Ok(job) = job else {
            return;
        };
        // Whoever waits for it sees that it was not done.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

/// On Linux, `setpriority` of "this process" is of this thread. Where it does not work, long work
/// competes on equal terms.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
