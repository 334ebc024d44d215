//! Where the server listens, and whom it lets in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, TcpKeepalive, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::socket::Socket;
use crate::command::Server;
use crate::command::clients::Origin;
use crate::config::Config;

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Addresses as `bind` lists them: `*`, `::*`, an address, each with a `-` in front if it may be
    /// missing on this machine.
    pub bind: Vec<String>,
    /// 0: no TCP. See `port_any` for tests.
    pub port: u16,
    /// Take any free port instead of `port`.
    pub port_any: bool,
    pub backlog: i32,
    pub unixsocket: Option<PathBuf>,
    /// Permission bits of the socket file; 0: as the process makes them.
    pub unixsocketperm: u32,
}

impl Endpoints {
    /// Where the settings say.
    pub fn of(config: &Config) -> Endpoints {
        let bind = config.bind.get();
        let unixsocket = config.unixsocket.get();
        Endpoints {
            bind: bind.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect(),
            port: u16::try_from(config.port.get()).unwrap_or(0),
            port_any: false,
            backlog: i32::try_from(config.tcp_backlog.get()).unwrap_or(i32::MAX),
            unixsocket: (!unixsocket.is_empty()).then(|| config.resolve(&unixsocket)),
            unixsocketperm: u32::try_from(config.unixsocketperm.get()).unwrap_or(0),
        }
    }
}

/// The open listeners.
pub struct Listeners {
    tcp: Vec<TcpListener>,
    unix: Option<(UnixListener, PathBuf)>,
}

impl Listeners {
    /// Opens all endpoints, or says which one cannot be had.
    pub fn open(endpoints: &Endpoints) -> io::Result<Listeners> {
        let mut tcp = Vec::new();
        if endpoints.port != 0 || endpoints.port_any {
            for name in &endpoints.bind {
                let (name, optional) = match name.strip_prefix('-') {
                    Some(name) => (name, true),
                    None => (name.as_str(), false),
                };
                match open_tcp(name, endpoints.port, endpoints.backlog) {
                    Ok(listener) => tcp.push(listener),
                    // As in Redis: an address that this machine does not have may be optional, a
                    // port that is taken is never.
                    Err(error) if optional && is_missing_address(&error) => {}
                    Err(error) => {
                        let port = endpoints.port;
                        return Err(explain(&error, &format!("cannot listen on {name}:{port}")));
                    }
                }
            }
        }
        let unix = match &endpoints.unixsocket {
            None => None,
            Some(path) => {
                let opened = open_unix(path, endpoints.unixsocketperm);
                let listener = opened.map_err(|error| {
                    explain(&error, &format!("cannot listen on {}", path.display()))
                })?;
                Some((listener, path.clone()))
            }
        };
        Ok(Listeners { tcp, unix })
    }

    /// The addresses listened on, ports as they turned out.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.tcp.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// All places listened on, for the log.
    pub fn describe(&self) -> String {
        let tcp = self.addresses().into_iter().map(|address| address.to_string());
        let unix = self.unix.iter().map(|(_, path)| path.display().to_string());
        tcp.chain(unix).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn accept_all(self, server: &Arc<Server>) -> Vec<JoinHandle<()>> {
        let mut tasks = Vec::new();
        for listener in self.tcp {
            tasks.push(tokio::spawn(accept_tcp(Arc::clone(server), listener)));
        }
        if let Some((listener, path)) = self.unix {
            tasks.push(tokio::spawn(accept_unix(Arc::clone(server), listener, path)));
        }
        tasks
    }
}

fn explain(error: &io::Error, what: &str) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => " (another server uses it: stop that one or choose a --port)",
        io::ErrorKind::PermissionDenied => " (this user may not)",
        _ => "",
    };
    io::Error::new(error.kind(), format!("{what}: {error}{hint}"))
}

fn is_missing_address(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable
        || code == Some(libc::EAFNOSUPPORT)
        || code == Some(libc::EPROTONOSUPPORT)
}

fn open_tcp(name: &str, port: u16, backlog: i32) -> io::Result<TcpListener> {
    let address: IpAddr = match name {
        "*" => Ipv4Addr::UNSPECIFIED.into(),
        "::*" => Ipv6Addr::UNSPECIFIED.into(),
        name => match name.parse() {
            Ok(address) => address,
            Err(_) => resolve(name)?,
        },
    };
    let address = SocketAddr::new(address, port);
    let socket =
        socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

fn resolve(name: &str) -> io::Result<IpAddr> {
    use std::net::ToSocketAddrs;
    let first = (name, 0).to_socket_addrs()?.next();
    first.map(|address| address.ip()).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn open_unix(path: &Path, permissions: u32) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    // A socket left behind by a server that is gone would keep this one from starting. Anything
    // else at that path is somebody's file.
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => {
            let text = "a file that is not a socket is in the way";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    if permissions != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions))?;
    }
    Ok(listener)
}

async fn accept_tcp(server: Arc<Server>, listener: TcpListener) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                accept_failed(&error).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch off Nagle's algorithm");
        }
        keep_alive(&stream, server.config.tcp_keepalive_s.get());
        if is_protected(&server, peer.ip()) {
            refuse(Socket::Tcp(stream), PROTECTED);
            continue;
        }
        let local = stream.local_addr().map_or_else(|_| "?".into(), |local| local.to_string());
        let origin =
            Origin { addr: peer.to_string(), laddr: local, fd: stream.as_raw_fd(), is_unix: false };
        admit(&server, Socket::Tcp(stream), origin);
    }
}

async fn accept_unix(server: Arc<Server>, listener: UnixListener, path: PathBuf) {
    // Goes with the task, and the file with it.
    struct Remove(PathBuf);
    impl Drop for Remove {
        fn drop(&mut self) {
            if let Err(error) = std::fs::remove_file(&self.0) {
                tracing::debug!(%error, path = %self.0.display(), "the socket file stays behind");
            }
        }
    }
    let name = format!("{}:0", path.display());
    let _remove = Remove(path);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let origin = Origin {
                    addr: name.clone(),
                    laddr: name.clone(),
                    fd: stream.as_raw_fd(),
                    is_unix: true,
                };
                admit(&server, Socket::Unix(stream), origin);
            }
            Err(error) => accept_failed(&error).await,
        }
    }
}

/// Out of file descriptors, most likely: say so, and let connections end before trying again.
async fn accept_failed(error: &io::Error) {
    tracing::warn!(%error, "cannot accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn keep_alive(stream: &tokio::net::TcpStream, seconds: i64) {
    let Ok(seconds @ 1..) = u64::try_from(seconds) else { return };
    // As Redis: probes from `seconds` on, three of them a third of it apart.
    let interval = Duration::from_secs((seconds / 3).max(1));
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds))
        .with_interval(interval)
        .with_retries(3);
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&keepalive) {
        tracing::debug!(%error, "cannot switch on keep-alive");
    }
}

const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";
const PROTECTED: &[u8] = b"-DENIED Forebay is in protected mode: it has no password and accepts \
connections from this machine only. To accept others, set one with 'requirepass' (in the config \
file or with CONFIG SET from this machine), or, if only trusted machines can reach it, set \
'protected-mode no'.\r\n";

fn is_protected(server: &Server, peer: IpAddr) -> bool {
    let config = &server.config;
    let peer_is_local = peer.to_canonical().is_loopback();
    config.protected_mode.get() && !peer_is_local && server.acl.default_needs_no_password()
}

/// Tells a connection that it is not let in. What does not fit the socket's buffer at once is lost
/// to it: nobody waits for a stranger.
fn refuse(socket: Socket, reason: &[u8]) {
    if let Err(error) = socket.try_write(reason) {
        tracing::debug!(%error, "a refused connection was gone already");
    }
}

fn admit(server: &Arc<Server>, socket: Socket, origin: Origin) {
    if server.clients.len() >= server.config.maxclients.get_usize() {
        server.clients.count_rejected();
        refuse(socket, TOO_MANY);
        return;
    }
    let client = server.clients.enter(origin, server.keyspace.clock().now_ms());
    tokio::spawn(Connection::new(Arc::clone(server), socket, client).run());
}
