//! The nightly job killed at random moments, and its database restarted under it: in the end the
//! sink holds what an undisturbed run puts there, row for row.

mod common;
#[path = "common/night.rs"]
mod night;
#[path = "common/postgres.rs"]
mod postgres;

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::Folder;
use night::{DATE, Night};
use postgres::Server;

/// How often the job is killed on each database.
const KILLS: u32 = 50;
/// How often at most on one date.
const KILLS_OF_DAY: u32 = 8;
/// The comments of a date; with small pages, for a commit every few milliseconds.
const ROWS: usize = 2000;
const SETTINGS: &str = "page = 5";

fn days() -> impl Iterator<Item = String> {
    (1..=28).flat_map(|day| ["01", "03", "05", "07"].map(|month| format!("2026-{month}-{day:02}")))
}

/// Waits until a job says that it begins to work.
fn begins(stderr: ChildStderr) -> BufReader<ChildStderr> {
    let mut told = BufReader::new(stderr);
    let mut line = String::new();
    while told.read_line(&mut line).unwrap() > 0 && !line.contains(" comments") {
        line.clear();
    }
    told
}

/// Runs a date to its end and gives the time from the beginning of its work.
fn run_undisturbed(night: &Night, day: &str) -> Duration {
    let mut job = night.start(day);
    let _told = job.stderr.take().map(begins);
    let start = Instant::now();
    assert_eq!(job.wait().unwrap().code(), Some(6));
    start.elapsed()
}

/// Runs dates until the job was killed `kills` times, each followed by a run of the same date that
/// nothing disturbs, and gives how many kills hit a run between its beginning and its end.
///
/// The moments are drawn from the time that such a run takes on this machine, now. One of fifty is
/// before the job has said anything.
fn run_and_kill(night: &Night, undisturbed: &Night, kills: u32) -> u32 {
    let seed = fastrand::u64(..);
    println!("the moments of this run come from the seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut killed, mut inside) = (0, 0);
    for day in days() {
        night.add_day(&day, ROWS);
        undisturbed.add_day(&day, ROWS);
        let whole = run_undisturbed(undisturbed, &day);
        let (mut done, mut kills_of_day) = (0.0_f64, 0);
        loop {
            let mut job = night.start(&day);
            let stderr = job.stderr.take();
            let disturbed = killed < kills && kills_of_day < KILLS_OF_DAY;
            let told = if disturbed && killed % 50 == 24 {
                thread::sleep(Duration::from_millis(random.u64(0..100)));
                None
            } else {
                let told = stderr.map(begins);
                if disturbed {
                    thread::sleep(whole.mul_f64(random.f64() * (0.9 * (1.0 - done)).min(0.2)));
                }
                told
            };
            if disturbed {
                // SIGKILL: it can do nothing about it.
                job.kill().unwrap();
            }
            if let Some(code) = job.wait().unwrap().code() {
                assert_eq!(code, 6, "on {day} after {killed} kills");
                break;
            }
            killed += 1;
            kills_of_day += 1;
            let run = "SELECT status, read_count FROM postloan_run ORDER BY run_id DESC LIMIT 1";
            if let [run] = &night.query(run)[..] {
                inside += u32::from(told.is_some() && run[0] == "running");
                done = run[1].parse::<f64>().unwrap() / ROWS as f64;
            }
        }
        if killed == kills {
            println!("killed {killed} times, {inside} of them between beginning and end");
            return inside;
        }
    }
    panic!("the job was killed {killed} times only");
}

fn killed_anywhere_it_ends_as_if_undisturbed(night: &Night, undisturbed: &Night, kills: u32) {
    let inside = run_and_kill(night, undisturbed, kills);
    assert!(inside >= kills - kills / 10, "only {inside} of {kills} kills hit a run");
    let (found, expected) = (night.contents(), undisturbed.contents());
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
}

#[test]
fn killed_fifty_times_on_sqlite_nothing_is_lost_and_nothing_doubled() {
    let [night, undisturbed] = [(); 2].map(|()| Night::sqlite_in(Folder::in_memory(), SETTINGS));
    killed_anywhere_it_ends_as_if_undisturbed(&night, &undisturbed, KILLS);
}

#[test]
fn killed_fifty_times_on_postgresql_nothing_is_lost_and_nothing_doubled() {
    let [night, undisturbed] = [(); 2].map(|()| Night::postgres(SETTINGS));
    killed_anywhere_it_ends_as_if_undisturbed(&night, &undisturbed, KILLS);
}

#[test]
fn killed_between_a_source_and_a_sink_of_different_kinds_nothing_is_lost() {
    let [night, undisturbed] = [(); 2].map(|()| {
        let folder = Folder::in_memory();
        let sink = format!("sqlite:{}", folder.path("results.db"));
        Night::new(folder, postgres::shared().new_database(), sink, SETTINGS)
    });
    killed_anywhere_it_ends_as_if_undisturbed(&night, &undisturbed, 10);
}

#[test]
fn a_server_restarted_under_the_job_changes_nothing() {
    let server = Server::start(&[]);
    let database = server.new_database();
    let night = Night::new(Folder::new(), database.clone(), database, "page = 20\nattempts = 12");
    night.add_day(DATE, 4000);
    let undisturbed = Night::postgres("page = 20");
    undisturbed.add_day(DATE, 4000);
    assert_eq!(undisturbed.run(&[]).code, 6);

    let server = std::sync::Arc::new(server);
    let (restarted, retried) = (AtomicU32::new(0), std::sync::Arc::new(AtomicU32::new(0)));
    let (owner, seen) = (server.clone(), retried.clone());
    let summary = night
        .watch(move |event| match event {
            postloan::nightly::Event::Committed { rows }
                if rows > 1000 * u64::from(restarted.load(Ordering::Relaxed) + 1) =>
            {
                restarted.fetch_add(1, Ordering::Relaxed);
                owner.restart();
            }
            postloan::nightly::Event::Retrying { .. } => {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        })
        .unwrap();
    assert_eq!((summary.read, summary.starts), (4000, 1));
    assert!(retried.load(Ordering::Relaxed) >= 3, "the restarts were not noticed");
    assert_eq!(night.contents(), undisturbed.contents());
}
