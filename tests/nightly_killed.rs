//! The nightly job killed at random moments, and its database restarted under it: in the end the
//! sink holds what an undisturbed run puts there, row for row.

mod common;
#[path = "common/night.rs"]
mod night;
#[path = "common/postgres.rs"]
mod postgres;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use common::Folder;
use night::{DATE, Night};
use postgres::Server;

/// How often the job is killed on each database.
const KILLS: u32 = 50;
const ROWS: usize = 1500;

fn days() -> impl Iterator<Item = String> {
    (1..=28).flat_map(|day| ["01", "03", "05", "07"].map(|month| format!("2026-{month}-{day:02}")))
}

/// Runs days until the job was killed often enough, and gives the days that were run.
fn run_and_kill(night: &Night, random: &mut fastrand::Rng) -> Vec<String> {
    let mut kills = 0;
    let mut done = Vec::new();
    for day in days() {
        night.add_day(&day, ROWS);
        let mut kills_of_day = 0;
        loop {
            let mut job = Command::new(assert_cmd::cargo::cargo_bin!("postloan"))
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .args(["nightly", "--config", &night.config, "--date", &day])
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // So that a day is done at last, however fast or slow this machine is.
            if kills < KILLS && kills_of_day < 6 {
                thread::sleep(Duration::from_millis(random.u64(50..450)));
                // SIGKILL: it can do nothing about it.
                job.kill().unwrap();
            }
            match job.wait().unwrap().code() {
                Some(code) => {
                    assert_eq!(code, 6, "on {day} after {kills} kills");
                    break;
                }
                None => {
                    kills += 1;
                    kills_of_day += 1;
                }
            }
        }
        done.push(day);
        if kills >= KILLS {
            return done;
        }
    }
    panic!("the job was killed {kills} times only");
}

fn killed_anywhere_it_ends_as_if_undisturbed(night: &Night, undisturbed: &Night) {
    let seed = fastrand::u64(..);
    println!("the moments of this run come from the seed {seed}");
    let days = run_and_kill(night, &mut fastrand::Rng::with_seed(seed));
    for day in &days {
        undisturbed.add_day(day, ROWS);
        assert_eq!(undisturbed.run(&["--date", day]).code, 6);
    }
    let (found, expected) = (night.contents(), undisturbed.contents());
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    let starts = night.query("SELECT CAST(sum(starts) AS BIGINT) FROM postloan_run")[0][0].clone();
    println!("{} days, killed {KILLS} times, {starts} starts that began work", days.len());
    // Some of the kills, at least, hit a run under way.
    assert!(starts.parse::<usize>().unwrap() > days.len(), "{starts} starts");
}

#[test]
fn killed_fifty_times_on_sqlite_nothing_is_lost_and_nothing_doubled() {
    let settings = "page = 5";
    killed_anywhere_it_ends_as_if_undisturbed(&Night::sqlite(settings), &Night::sqlite(settings));
}

#[test]
fn killed_fifty_times_on_postgresql_nothing_is_lost_and_nothing_doubled() {
    let settings = "page = 5";
    killed_anywhere_it_ends_as_if_undisturbed(
        &Night::postgres(settings),
        &Night::postgres(settings),
    );
}

#[test]
fn killed_between_a_source_and_a_sink_of_different_kinds_nothing_is_lost() {
    let settings = "page = 5";
    let mixed = |folder: Folder| {
        let source = postgres::shared().new_database();
        let sink = format!("sqlite:{}", folder.path("results.db"));
        Night::new(folder, source, sink, settings)
    };
    let night = mixed(Folder::new());
    let undisturbed = mixed(Folder::new());
    let mut random = fastrand::Rng::new();
    night.add_day(DATE, 2000);
    for _ in 0..8 {
        let mut job = Command::new(assert_cmd::cargo::cargo_bin!("postloan"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["nightly", "--config", &night.config, "--date", DATE])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(random.u64(100..600)));
        job.kill().unwrap();
        job.wait().unwrap();
    }
    assert_eq!(night.run(&[]).code, 6);
    undisturbed.add_day(DATE, 2000);
    assert_eq!(undisturbed.run(&[]).code, 6);
    assert_eq!(night.contents(), undisturbed.contents());
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
