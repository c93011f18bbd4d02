//! Logging in: passwords and TLS of PostgreSQL, and GaussDB's own handshake.

mod common;
#[path = "common/night.rs"]
mod night;
#[path = "common/postgres.rs"]
mod postgres;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use common::Folder;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use night::{DATE, Night};
use postgres::Server;
use postloan::records::database::{DatabaseAddress, Value, connect};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sha2::{Digest, Sha256};

fn login(url: &str) -> Result<(), String> {
    let address = DatabaseAddress::parse(url).map_err(|error| error.to_string())?;
    let mut database = connect(&address).map_err(|error| error.to_string())?;
    let rows = database.query("SELECT 1", &[]).map_err(|error| error.to_string())?;
    assert_eq!(rows, [[Value::Integer(1)]]);
    Ok(())
}

#[test]
fn a_wrong_password_is_refused_at_once_and_never_shown() {
    let server = postgres::shared();
    login(&server.url("postgres")).unwrap();
    let wrong = server.url("postgres").replace("s3cret", "wr0ng");
    let error = login(&wrong).unwrap_err();
    assert!(error.contains("password authentication failed"), "{error}");
    assert!(!error.contains("wr0ng") && !error.contains("pass%3Aword"), "{error}");
}

#[test]
fn the_password_comes_from_the_environment_or_a_file() {
    let night = Night::postgres("attempts = 1");
    night.add_day(DATE, 8);
    let with_password = night.source.clone();
    let (before, after) = with_password.split_once("://postgres:").unwrap();
    let (_, place) = after.split_once('@').unwrap();
    let bare = format!("{before}://postgres@{place}");
    let password = night.folder.file("password", format!("{}\n", postgres::PASSWORD));
    for setting in [
        "password_env = \"POSTLOAN_TEST_PASSWORD\"".to_owned(),
        format!("password_file = {password:?}"),
    ] {
        night.configure("");
        let text = std::fs::read_to_string(&night.config).unwrap();
        let text = text
            .replace(&with_password, &bare)
            .replace("[limits]", &format!("{setting}\n[limits]"));
        let text = text.replace("text_field", &format!("{setting}\ntext_field"));
        std::fs::write(&night.config, text).unwrap();
        let done = common::postloan()
            .args(["nightly", "--config", &night.config, "--date", DATE])
            .env("POSTLOAN_TEST_PASSWORD", postgres::PASSWORD)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(6), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    let unset = night.run(&[]);
    night.configure("");
    assert_eq!(unset.code, 6, "the file still holds");
}

#[test]
fn tls_is_as_strict_as_sslmode_says() {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(params.clone(), KeyPair::generate().unwrap()).unwrap();
    let stranger = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();

    let plain = Server::start(&[]);
    let with = |server: &Server, host: &str, mode: &str| {
        server.url("postgres").replace("127.0.0.1", host).replace("disable", mode)
    };
    login(&with(&plain, "localhost", "prefer")).unwrap();
    let refused = login(&with(&plain, "localhost", "require")).unwrap_err();
    assert!(refused.contains("does not speak TLS"), "{refused}");

    let cert = plain.file("server.crt", &certificate.pem());
    let key_file = plain.file("server.key", &key.serialize_pem());
    let owned = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "[ \"$(id -u)\" != 0 ] || chown postgres '{key}'; chmod 600 '{key}'",
            key = key_file.display()
        ))
        .status()
        .unwrap();
    assert!(owned.success());
    let server = Server::start(&[
        "ssl=on",
        &format!("ssl_cert_file={}", cert.display()),
        &format!("ssl_key_file={}", key_file.display()),
    ]);
    let folder = Folder::new();
    let ours = folder.file("ca.pem", authority.pem());
    let theirs = folder.file("other.pem", stranger.pem());
    for (host, mode, good) in [
        ("localhost", "disable".to_owned(), true),
        ("localhost", "prefer".to_owned(), true),
        ("127.0.0.1", "require".to_owned(), true),
        ("127.0.0.1", format!("require&sslrootcert={theirs}"), false),
        ("127.0.0.1", format!("verify-ca&sslrootcert={ours}"), true),
        ("127.0.0.1", format!("verify-ca&sslrootcert={theirs}"), false),
        ("localhost", format!("verify-full&sslrootcert={ours}"), true),
        ("127.0.0.1", format!("verify-full&sslrootcert={ours}"), false),
        ("localhost", format!("verify-full&sslrootcert={theirs}"), false),
    ] {
        let result = login(&with(&server, host, &mode));
        assert_eq!(result.is_ok(), good, "{host} {mode}: {result:?}");
    }
}

/// How a GaussDB keeps a password, and which of its logins it asks for.
#[derive(Clone, Copy, Debug)]
enum GaussLogin {
    Sha256,
    Md5Sha256,
    Md5,
    Sm3,
}

const GAUSS_PASSWORD: &str = "Gauss@密码1";
const SALT: &str = "3458fe51abe962f7b6011a1d73fc14edf50539fae89fb9dda75fbb642d9859bf";
const ITERATIONS: u32 = 10_000;

/// A GaussDB of which only the login is its own: what comes after it goes to PostgreSQL.
///
/// It verifies as the server does, from what the server keeps: not the password, but the stored
/// key and the server key.
fn gaussdb(kind: GaussLogin, postgres: &'static Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            thread::spawn(move || serve(client, kind, postgres));
        }
    });
    format!("gaussdb://gauss:Gauss%40%E5%AF%86%E7%A0%811@127.0.0.1:{port}/dw?sslmode=disable")
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn keys(iterations: u32) -> (Vec<u8>, Vec<u8>) {
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(
        GAUSS_PASSWORD.as_bytes(),
        &unhex(SALT),
        iterations,
        &mut salted,
    );
    let stored = Sha256::digest(hmac(&salted, b"Client Key")).to_vec();
    (stored, hmac(&salted, b"Sever Key"))
}

fn read_bytes(stream: &mut TcpStream, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn serve(mut client: TcpStream, kind: GaussLogin, postgres: &Server) -> Option<()> {
    let length = u32::from_be_bytes(read_bytes(&mut client, 4)?.try_into().unwrap());
    let startup = read_bytes(&mut client, length as usize - 4)?;
    assert_eq!(startup[..4], [0, 3, 0, 51], "the protocol's version is 3.51");
    let startup = String::from_utf8(startup[4..].to_vec()).unwrap();
    assert!(startup.starts_with("user\0gauss\0database\0dw\0"), "{startup:?}");

    let token = format!("{:08x}", fastrand::u32(..));
    let login_salt = fastrand::u32(..).to_be_bytes();
    let request = match kind {
        GaussLogin::Sha256 => [
            &10_u32.to_be_bytes()[..],
            &2_u32.to_be_bytes(),
            SALT.as_bytes(),
            token.as_bytes(),
            &ITERATIONS.to_be_bytes(),
        ]
        .concat(),
        GaussLogin::Md5 => [&10_u32.to_be_bytes()[..], &1_u32.to_be_bytes(), &login_salt].concat(),
        GaussLogin::Md5Sha256 => [&11_u32.to_be_bytes()[..], SALT.as_bytes(), &login_salt].concat(),
        GaussLogin::Sm3 => 13_u32.to_be_bytes().to_vec(),
    };
    client.write_all(&message(b'R', &request)).ok()?;
    assert_eq!(read_bytes(&mut client, 1)?, b"p");
    let length = u32::from_be_bytes(read_bytes(&mut client, 4)?.try_into().unwrap());
    let answer = read_bytes(&mut client, length as usize - 4)?;
    let answer = String::from_utf8(answer).unwrap();
    let answer = answer.strip_suffix('\0').unwrap();
    let right = match kind {
        GaussLogin::Sha256 => {
            // The proof, uncovered, is a client key whose digest is the stored key.
            let (stored, _) = keys(ITERATIONS);
            let cover = hmac(&stored, &unhex(&token));
            let client_key: Vec<u8> =
                unhex(answer).iter().zip(cover).map(|(proof, cover)| proof ^ cover).collect();
            Sha256::digest(client_key).to_vec() == stored
        }
        GaussLogin::Md5Sha256 => {
            let (stored, server) = keys(2048);
            let text = [SALT.as_bytes(), hex(&server).as_bytes(), hex(&stored).as_bytes()].concat();
            answer == format!("md5{}", hex(&Md5::digest([&text[..], &login_salt].concat())))
        }
        GaussLogin::Md5 => {
            let kept = hex(&Md5::digest(format!("{GAUSS_PASSWORD}gauss")));
            let digest = Sha256::digest([kept.as_bytes(), &login_salt].concat());
            answer == format!("sha256{}", hex(&digest))
        }
        GaussLogin::Sm3 => false,
    };
    if !right {
        let error = b"SFATAL\0C28P01\0MInvalid username/password,login denied.\0\0";
        client.write_all(&message(b'E', error)).ok()?;
        return None;
    }
    client.write_all(&message(b'R', &[0; 4])).ok()?;
    forward(client, postgres)
}

/// Logs in to PostgreSQL and lets both sides talk from there on.
fn forward(mut client: TcpStream, postgres: &Server) -> Option<()> {
    // A PostgreSQL that asks for no password would do; this one is asked through a second login.
    let mut server = TcpStream::connect(("127.0.0.1", postgres.port)).unwrap();
    let startup = b"\0\x03\0\0user\0gauss\0database\0dw\0client_encoding\0UTF8\0\0";
    server.write_all(&(startup.len() as u32 + 4).to_be_bytes()).unwrap();
    server.write_all(startup).unwrap();
    let ok = read_bytes(&mut server, 9)?;
    assert_eq!(ok, message(b'R', &[0; 4]), "the role `gauss` is trusted");
    let (mut to_server, mut from_client) =
        (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut server, &mut client);
    None
}

/// A server that trusts the role `gauss`.
fn trusting() -> &'static Server {
    static SERVER: std::sync::OnceLock<Server> = std::sync::OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Server::start(&[]);
        let mut database = night::open(&server.url("postgres"));
        database.run("CREATE ROLE gauss LOGIN").unwrap();
        database.run("CREATE DATABASE dw OWNER gauss").unwrap();
        let rule = "host all gauss 127.0.0.1/32 trust\n";
        server.trust(rule);
        database.run("SELECT pg_reload_conf()").unwrap();
        server
    })
}

#[test]
fn gaussdb_logins_are_answered_as_the_server_verifies_them() {
    for kind in [GaussLogin::Sha256, GaussLogin::Md5Sha256, GaussLogin::Md5] {
        let url = gaussdb(kind, trusting());
        login(&url).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let error = login(&url.replace("Gauss%40", "Wrong%40")).unwrap_err();
        assert!(error.contains("login denied. (SQLSTATE 28P01)"), "{kind:?}: {error}");
        assert!(!error.contains("Wrong"), "{error}");
    }
    let error = login(&gaussdb(GaussLogin::Sm3, trusting())).unwrap_err();
    assert!(error.contains("a login by SM3, which is not supported"), "{error}");
}

#[test]
fn a_night_reads_its_comments_through_a_gaussdb_login() {
    let folder = Folder::new();
    let sink = format!("sqlite:{}", folder.path("results.db"));
    let url = gaussdb(GaussLogin::Sha256, trusting());
    let night = Night::new(folder, url, sink, "page = 100");
    let mut source = night.open_source();
    for number in 0..350 {
        let values = [format!("{number:05}").into(), DATE.into(), "逾期失联，已起诉。".into()];
        source
            .execute("INSERT INTO review (id, day, comment) VALUES ($1, $2, $3)", &values)
            .unwrap();
    }
    let done = night.run(&[]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(night.query("SELECT count(*) FROM postloan_result"), [["350"]]);
}

#[test]
fn a_server_that_is_no_gaussdb_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let error = login(&format!("gaussdb://u:p@127.0.0.1:{port}/d?sslmode=disable")).unwrap_err();
    assert!(error.contains("no login of GaussDB"), "{error}");
}
