//! The sockets that clients connect to: TCP over IPv4 and IPv6, and unix sockets in a folder, named as PostgreSQL names them.
//! What comes in on them is not looked at here.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

#[cfg(test)]
mod tests;

/// Connections that may wait to be accepted (the kernel has a limit of its own).
const BACKLOG: i32 = 4096;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and port.
    Tcp(SocketAddr),
    /// A unix socket folder, and the port that its name carries.
    Unix {
        /// The folder.
        folder: PathBuf,
        /// The port in `.s.PGSQL.<port>`.
        port: u16,
    },
}

/// An accepted connection, nothing read yet.
#[derive(Debug)]
pub enum Accepted {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a unix socket.
    Unix(UnixStream),
}

/// A bound socket; a unix socket's file goes when it is dropped.
#[derive(Debug)]
pub enum Listener {
    /// Over TCP.
    Tcp(TcpListener),
    /// Over a unix socket.
    Unix(UnixListener, SocketFile),
}

/// The file of a unix socket.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Binds an address, within a runtime. An IPv6 address takes no IPv4 connections, so that both can be named.
    ///
    /// # Errors
    /// The address is in use or not ours, the folder cannot be written, or the file there is no socket.
    pub fn bind(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(address) => Self::bind_tcp(*address),
            Address::Unix { folder, port } => Self::bind_unix(&folder.join(format!(".s.PGSQL.{port}"))),
        }
    }

    fn bind_tcp(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into()).map(Self::Tcp)
    }

    fn bind_unix(path: &Path) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        // As PostgreSQL: whoever may reach the folder may connect, and then has to log in.
        fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
        Ok(Self::Unix(listener, SocketFile(path.to_owned())))
    }

    /// The next connection. An error may pass (too many open files); the caller waits a little and goes on.
    ///
    /// # Errors
    /// The system cannot give one.
    pub async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(socket, _)| Accepted::Tcp(socket)),
            Self::Unix(listener, _) => listener.accept().await.map(|(socket, _)| Accepted::Unix(socket)),
        }
    }

    /// The address as it was bound, with the port that the system chose where 0 was asked for.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|a| a.to_string()),
            Self::Unix(_, file) => Ok(file.0.display().to_string()),
        }
    }
}

/// Takes away the socket of a process that is no more. One that still answers, and a file that is no socket, stay.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(found) if !found.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => fs::remove_file(path),
    }
}
