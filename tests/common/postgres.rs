//! A PostgreSQL server for the tests of one process, started when the first one asks for it.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// The password of the user `postgres`.
pub const PASSWORD: &str = "s3cret/pass:word@1";

/// A server in a temporary folder. It ends with the process that started it, however that ends.
pub struct Server {
    pub port: u16,
    folder: PathBuf,
    // Closed when the process ends, which ends the server.
    keeper: Child,
}

/// Where PostgreSQL's programs are: in the path, or where Debian puts them.
fn program(name: &str) -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin").join(name));
    let mut places: Vec<PathBuf> = debian.filter(|path| path.exists()).collect();
    places.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.exists());
    places.pop().or(in_path).unwrap_or_else(|| {
        panic!("these tests need PostgreSQL ({name}): scripts/test installs it and runs them")
    })
}

/// A command as a user who may run a server: PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    let root = fs::metadata("/proc/self").is_ok_and(|process| {
        use std::os::unix::fs::MetadataExt;
        process.uid() == 0
    });
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

impl Server {
    /// Starts a server with these further settings.
    pub fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("postloan-pg-").tempdir().unwrap().keep();
        let data = folder.join("data");
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        // The server's user must get at it.
        let made = Command::new("chmod").args(["-R", "a+rwX"]).arg(&folder).status().unwrap();
        assert!(made.success());
        let made = unprivileged(&program("initdb"))
            .args(["--auth=scram-sha-256", "--username=postgres", "--no-sync", "--encoding=UTF8"])
            .args(["--locale=C.UTF-8", "-D"])
            .arg(&data)
            .arg("--pwfile")
            .arg(&password)
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
             -c max_connections=60"
        );
        for setting in settings {
            options += &format!(" -c {setting}");
        }
        // When its input closes, for the process has ended, it ends the server.
        let script = format!(
            "'{bin}' -D '{data}' -l '{log}' -o '{options}' -w start >/dev/null && cat >/dev/null; \
             '{bin}' -D '{data}' -m immediate stop >/dev/null; rm -rf '{data}' '{log}'",
            bin = program("pg_ctl").display(),
            data = data.display(),
            log = folder.join("log").display(),
        );
        let keeper = unprivileged(Path::new("/bin/sh"))
            .args(["-c", &script])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { port, folder, keeper };
        server.wait_until_up();
        server
    }

    fn wait_until_up(&self) {
        for _ in 0..600 {
            let database =
                postloan::records::database::DatabaseAddress::parse(&self.url("postgres"));
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok()
                && postloan::records::database::connect(&database.unwrap()).is_ok()
            {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        panic!("PostgreSQL does not start: {log}");
    }

    /// Stops the server as a crash would, and starts it again.
    pub fn restart(&self) {
        let done = unprivileged(&program("pg_ctl"))
            .args(["-m", "immediate", "-w", "-l"])
            .arg(self.folder.join("log"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("restart")
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Puts a rule before the others of `pg_hba.conf`. It holds after a reload.
    pub fn trust(&self, rule: &str) {
        let path = self.folder.join("data/pg_hba.conf");
        let done = unprivileged(Path::new("/bin/sh"))
            .args([
                "-c",
                "printf '%s' \"$0\" | cat - \"$1\" > \"$1.new\" && cat \"$1.new\" > \"$1\"",
                rule,
            ])
            .arg(path)
            .current_dir("/")
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// The address of a database, with the password.
    pub fn url(&self, database: &str) -> String {
        let password = "s3cret%2Fpass%3Aword%401";
        format!("postgres://postgres:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The address of a new, empty database.
    pub fn new_database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let address = postloan::records::database::DatabaseAddress::parse(&self.url("postgres"));
        let mut database = postloan::records::database::connect(&address.unwrap()).unwrap();
        database.run(&format!("CREATE DATABASE {name}")).unwrap();
        self.url(&name)
    }

    /// A file that the server can read.
    pub fn file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.folder.join(name);
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(contents.as_bytes()).unwrap();
        path
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The server that the tests of a process share.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(&[]))
}
