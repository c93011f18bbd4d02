//! One copy of a job at a time: a row with an owner and a heartbeat.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::connection::Connection;
use super::schema::Dialect;
use crate::records::database::{Database, DatabaseError, DatabaseErrorKind, Value};

/// A process, told from any other of this and other machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner(String);

impl Owner {
    /// This process.
    pub(super) fn this_process() -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|host| host.trim().to_owned())
            .or_else(|_| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")))
            .unwrap_or_else(|_| "this host".to_owned());
        let process = std::process::id();
        let started = started(process).unwrap_or_default();
        Self(format!("{host} process {process} started {started} in {}", surroundings()))
    }

    /// Whether a process of this machine is gone for sure. Of others nobody knows here.
    fn is_gone(&self) -> bool {
        let parts = || {
            let (rest, surroundings) = self.0.rsplit_once(" in ")?;
            let (rest, started) = rest.rsplit_once(" started ")?;
            let (_, process) = rest.rsplit_once(" process ")?;
            Some((surroundings, started, process.parse::<u32>().ok()?))
        };
        let Some((there, then, process)) = parts() else { return false };
        let here = surroundings();
        // Elsewhere than on Linux neither can be told.
        !here.is_empty() && there == here && started(process).as_deref() != Some(then)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The boot of this machine and the space its process numbers count in.
fn surroundings() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let digits: String = space.to_string_lossy().chars().filter(|c| c.is_ascii_digit()).collect();
    match (boot.trim(), digits.is_empty()) {
        ("", _) | (_, true) => String::new(),
        (boot, false) => format!("{boot}/{digits}"),
    }
}

/// When a process started, in ticks since the boot; `None` if there is no such process.
fn started(process: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is a name in brackets that may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    // A zombie works no more.
    (state != "Z").then(|| fields.nth(18).map(str::to_owned)).flatten()
}

/// What came of asking for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Acquired {
    /// It is ours.
    Free,
    /// It is ours, and was another's, who is gone or silent.
    TakenOver,
    /// It is another's, heard of so many seconds ago.
    Held(Owner, i64),
}

/// Asks for the lock of `job`.
pub(super) fn acquire(
    connection: &mut Connection,
    job: &str,
    owner: &Owner,
    stale_seconds: u32,
) -> Result<Acquired, DatabaseError> {
    loop {
        let acquired =
            connection.transaction(|database| acquire_once(database, job, owner, stale_seconds));
        match acquired {
            // Another copy was faster: now there is a row to look at.
            Err(error) if error.kind == DatabaseErrorKind::Duplicate => {}
            result => return result,
        }
    }
}

fn acquire_once(
    database: &mut dyn Database,
    job: &str,
    owner: &Owner,
    stale_seconds: u32,
) -> Result<Acquired, DatabaseError> {
    let now = Dialect::of(database.kind()).epoch;
    let me = || Value::from(owner.as_str());
    let silent = format!(
        "UPDATE postloan_lock SET owner = $1, acquired_at = {now}, heartbeat_at = {now} \
         WHERE job = $2 AND heartbeat_at < {now} - {stale_seconds}"
    );
    if database.execute(&silent, &[me(), job.into()])? == 1 {
        return Ok(Acquired::TakenOver);
    }
    let held = format!("SELECT owner, {now} - heartbeat_at FROM postloan_lock WHERE job = $1");
    let rows = database.query(&held, &[job.into()])?;
    let Some(row) = rows.into_iter().next() else {
        let insert = format!(
            "INSERT INTO postloan_lock (job, owner, acquired_at, heartbeat_at) \
             VALUES ($1, $2, {now}, {now})"
        );
        database.execute(&insert, &[job.into(), me()])?;
        return Ok(Acquired::Free);
    };
    let seconds = row[1].as_integer().unwrap_or(0);
    let holder = Owner(row.into_iter().next().and_then(Value::into_text).unwrap_or_default());
    if holder == *owner {
        return Ok(Acquired::Free);
    }
    if holder.is_gone() {
        let gone = format!(
            "UPDATE postloan_lock SET owner = $1, acquired_at = {now}, heartbeat_at = {now} \
             WHERE job = $2 AND owner = $3"
        );
        if database.execute(&gone, &[me(), job.into(), holder.as_str().into()])? == 1 {
            return Ok(Acquired::TakenOver);
        }
    }
    Ok(Acquired::Held(holder, seconds))
}

/// Says that the owner is alive, and tells whether it still holds the lock.
pub(super) fn beat(
    database: &mut dyn Database,
    job: &str,
    owner: &Owner,
) -> Result<bool, DatabaseError> {
    let now = Dialect::of(database.kind()).epoch;
    let beat =
        format!("UPDATE postloan_lock SET heartbeat_at = {now} WHERE job = $1 AND owner = $2");
    Ok(database.execute(&beat, &[job.into(), owner.as_str().into()])? == 1)
}

/// Gives the lock back, if it is still held.
pub(super) fn release(
    database: &mut dyn Database,
    job: &str,
    owner: &Owner,
) -> Result<(), DatabaseError> {
    let delete = "DELETE FROM postloan_lock WHERE job = $1 AND owner = $2";
    database.execute(delete, &[job.into(), owner.as_str().into()]).map(|_| ())
}

/// Says now and then, on a connection of its own, that the owner is alive, while it waits for a
/// slow source. Dropped, it stops.
pub(super) struct Heart {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    pub(super) fn start(
        mut connection: Connection,
        job: String,
        owner: Owner,
        stale_seconds: u32,
    ) -> Self {
        let (stop, stopped) = mpsc::channel();
        let pause = Duration::from_secs(u64::from(stale_seconds)) / 4;
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                // One beat that fails does no harm: the next one comes before the lock is stale.
                let _ = connection.retry(|database| beat(database, &job, &owner));
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_process_of_this_machine_can_be_known_to_be_gone() {
        let this = Owner::this_process();
        assert!(!this.is_gone());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = this.0.replace(
            &format!("process {}", std::process::id()),
            &format!("process {}", child.id()),
        );
        child.wait().unwrap();
        assert!(Owner(gone.clone()).is_gone());
        assert!(!Owner(gone.replace(" in ", " in another-boot/")).is_gone());
        assert!(!Owner("somebody else".to_owned()).is_gone());
    }
}
