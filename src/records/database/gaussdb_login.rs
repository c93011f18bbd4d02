//! The login of GaussDB and openGauss, and PostgreSQL's protocol after it.
//!
//! GaussDB asks for a password with the authentication codes 10 (SHA256) and 11 (MD5_SHA256),
//! which in PostgreSQL's protocol mean SASL. So the login is done here, on the stream, by the
//! message sequence that Huawei's openGauss drivers for Go and JDBC publish; then the PostgreSQL
//! driver is given a stream on which its own start-up is answered with "you are logged in".
//!
//! (The crate tokio-gaussdb 0.1.0 reads codes 10 and 11 as SASL, too, and knows its own two
//! digests under the codes 13 and 14 only, one of them with a constant in the place of the
//! server's random bytes: it cannot log in.)

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::address::DatabaseAddress;
use super::stream::Stream;

/// Version 3.51 of the protocol: the server tells the number of iterations.
const PROTOCOL: u32 = (3 << 16) | 51;

/// The iterations of the older digest, which the server does not tell.
const OLD_ITERATIONS: u32 = 2048;

/// More iterations than any server asks for: a guard, for they cost time.
const MAX_ITERATIONS: u32 = 10_000_000;

/// No message of a login is longer, in bytes.
const MAX_MESSAGE: usize = 1 << 16;

/// The start of the answer to the driver's own start-up: `AuthenticationOk`.
const AUTHENTICATED: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 0];

/// Logs in on `stream` and gives one that the PostgreSQL driver can use.
pub(super) async fn log_in(
    mut stream: Box<dyn Stream>,
    address: &DatabaseAddress,
) -> io::Result<Box<dyn Stream>> {
    let mut startup = PROTOCOL.to_be_bytes().to_vec();
    for (name, value) in [
        ("user", &*address.user),
        ("database", &*address.database),
        ("application_name", &*address.application),
        ("client_encoding", "UTF8"),
    ] {
        startup.extend_from_slice(name.as_bytes());
        startup.push(0);
        startup.extend_from_slice(value.as_bytes());
        startup.push(0);
    }
    startup.push(0);
    stream.write_all(&with_length(&startup)).await?;
    loop {
        let (tag, body) = read_message(&mut stream).await?;
        match tag {
            b'R' => {
                let mut body = Fields(&body);
                let request = body.number()?;
                if request == 0 {
                    let greeting = AUTHENTICATED.to_vec();
                    return Ok(Box::new(LoggedIn { stream, greeting, startup: Vec::new() }));
                }
                let answer = answer(request, body, address)?;
                stream.write_all(b"p").await?;
                stream.write_all(&with_length(&[answer.as_bytes(), &[0]].concat())).await?;
            }
            b'E' => return Err(refused(&body)),
            // Notices.
            b'N' => {}
            _ => return Err(unexpected()),
        }
    }
}

/// `body` behind its length, which counts itself.
fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body].concat()
}

async fn read_message(stream: &mut Box<dyn Stream>) -> io::Result<(u8, Vec<u8>)> {
    let tag = stream.read_u8().await?;
    let length = stream.read_u32().await? as usize;
    if !(4..=MAX_MESSAGE).contains(&length) {
        return Err(unexpected());
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    Ok((tag, body))
}

fn unexpected() -> io::Error {
    let reason = "the server answers with something that is no login of GaussDB";
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// An error message of the server: fields of a letter and a text, each ended by a zero.
fn refused(body: &[u8]) -> io::Error {
    let field = |letter: u8| {
        let mut fields = body.split(|&byte| byte == 0);
        let found = fields.find(|field| field.first() == Some(&letter));
        found.map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
    };
    let code = field(b'C').unwrap_or_default();
    let kind = match &*code {
        "57P01" | "57P02" | "57P03" | "53300" => io::ErrorKind::ConnectionRefused,
        _ => io::ErrorKind::PermissionDenied,
    };
    let message = field(b'M').unwrap_or_default();
    io::Error::new(kind, format!("{message} (SQLSTATE {code})"))
}

/// The answer to an authentication request.
fn answer(request: u32, mut body: Fields<'_>, address: &DatabaseAddress) -> io::Result<String> {
    let Some(password) = &address.password else {
        let reason = "the server asks for a password, and none is set";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    };
    let user = &address.user;
    match request {
        3 => Ok(password.clone()),
        5 => Ok(md5_answer(user, password, body.take(4)?)),
        10 => match body.number()? {
            // How the server keeps the password: as it is, or by SHA256.
            0 | 2 => {
                let (salt, token) = (body.take(64)?, body.take(8)?);
                sha256_answer(password, salt, token, body.number()?)
            }
            // By MD5.
            1 => Ok(md5_then_sha256_answer(user, password, body.take(4)?)),
            _ => Err(unsupported("a password kept by SM3")),
        },
        11 => {
            let salt = body.take(64)?;
            md5_sha256_answer(password, salt, body.take(4)?)
        }
        13 => Err(unsupported("SM3")),
        _ => Err(unsupported(&format!("authentication request {request}"))),
    }
}

fn unsupported(what: &str) -> io::Error {
    let reason = format!("the server asks for a login by {what}, which is not supported");
    io::Error::new(io::ErrorKind::Unsupported, reason)
}

/// What is left of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(unexpected)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |number, &byte| (number << 8) | u32::from(byte)))
    }
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &[u8]) -> io::Result<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or_else(unexpected);
    digits.chunks_exact(2).map(|pair| Ok((16 * digit(pair[0])? + digit(pair[1])?) as u8)).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> io::Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(io::Error::other)?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The key that a password and the server's salt, 64 hexadecimal digits, give.
fn salted_password(password: &str, salt: &[u8], iterations: u32) -> io::Result<[u8; 32]> {
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Err(unexpected());
    }
    let mut key = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha1>(password.as_bytes(), &from_hex(salt)?, iterations, &mut key);
    Ok(key)
}

/// RFC 5802 in GaussDB's way: the client's key, covered by a signature of the server's token.
fn sha256_answer(password: &str, salt: &[u8], token: &[u8], iterations: u32) -> io::Result<String> {
    let key = salted_password(password, salt, iterations)?;
    let client_key = hmac(&key, b"Client Key")?;
    let stored_key = Sha256::digest(&client_key);
    let signature = hmac(&stored_key, &from_hex(token)?)?;
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, mask)| key ^ mask).collect();
    Ok(hex(proof))
}

/// MD5 of the salt and both keys, and of four bytes that change with each login.
fn md5_sha256_answer(password: &str, salt: &[u8], login_salt: &[u8]) -> io::Result<String> {
    let key = salted_password(password, salt, OLD_ITERATIONS)?;
    // So it is spelt in the server.
    let server_key = hmac(&key, b"Sever Key")?;
    let stored_key = Sha256::digest(hmac(&key, b"Client Key")?);
    let mut md5 = Md5::new();
    md5.update(salt);
    md5.update(hex(server_key));
    md5.update(hex(stored_key));
    md5.update(login_salt);
    Ok(format!("md5{}", hex(md5.finalize())))
}

fn md5_answer(user: &str, password: &str, salt: &[u8]) -> String {
    let inner = hex(Md5::digest([password.as_bytes(), user.as_bytes()].concat()));
    format!("md5{}", hex(Md5::digest([inner.as_bytes(), salt].concat())))
}

fn md5_then_sha256_answer(user: &str, password: &str, salt: &[u8]) -> String {
    let inner = hex(Md5::digest([password.as_bytes(), user.as_bytes()].concat()));
    format!("sha256{}", hex(Sha256::digest([inner.as_bytes(), salt].concat())))
}

/// A stream that is logged in already. The driver's own start-up message is kept from the server,
/// and answered here.
struct LoggedIn {
    stream: Box<dyn Stream>,
    /// What is left to be read of the answer.
    greeting: Vec<u8>,
    /// What came of the start-up message so far. Once it is whole, its bytes count no more.
    startup: Vec<u8>,
}

impl LoggedIn {
    /// How many bytes of the start-up message are still to come.
    fn startup_bytes_to_come(&self) -> usize {
        let length = match self.startup.first_chunk() {
            Some(length) => u32::from_be_bytes(*length) as usize,
            None => 4,
        };
        length.saturating_sub(self.startup.len())
    }
}

impl AsyncRead for LoggedIn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let bytes = buffer.remaining().min(self.greeting.len());
        let greeting: Vec<u8> = self.greeting.drain(..bytes).collect();
        buffer.put_slice(&greeting);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LoggedIn {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let kept = self.startup_bytes_to_come().min(bytes.len());
        if kept > 0 {
            self.startup.extend_from_slice(&bytes[..kept]);
            return Poll::Ready(Ok(kept));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sha256_answer_is_the_one_that_the_open_gauss_go_driver_publishes() {
        // Its test `TestRFC5802Algorithm`, case "sha256".
        let salt = b"3458fe51abe962f7b6011a1d73fc14edf50539fae89fb9dda75fbb642d9859bf";
        let answer = sha256_answer("sha256@abc123", salt, b"2cf71f10", 10_000).unwrap();
        assert_eq!(answer, "f5213af93974ae3f0a3eedba7b0ef27796bcd4d84bb737d9c35fce54fcfe28fd");
    }

    #[test]
    fn the_md5_answer_is_the_one_of_postgresql() {
        let answer = md5_answer("md5_user", "password", &[0x2a, 0x3d, 0x8f, 0xe0]);
        assert_eq!(answer, "md562af4dd09bbb41884907a838a3233294");
    }

    #[test]
    fn a_server_that_asks_for_too_much_work_or_sends_half_a_message_is_refused() {
        let salt = [b'0'; 64];
        assert!(sha256_answer("x", &salt, b"00000000", u32::MAX).is_err());
        assert!(sha256_answer("x", &[b'x'; 64], b"00000000", 1).is_err());
        assert!(Fields(&[1, 2]).take(4).is_err());
    }
}
