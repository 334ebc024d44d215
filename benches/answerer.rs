//! A server that only answers: it reads whatever there is and sends as many ids, all the same, as there were
//! requests in it. It keeps nothing, looks at nothing and promises nothing. What a load generator gets from it,
//! with one processor for each of the two, is more than any server can give that does something.
//!
//!     answerer PORT PIPELINE      # requests that come together, as with redis-benchmark's -P

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use rustix::event::epoll;

const LISTENER: u64 = u64::MAX;

fn main() -> io::Result<()> {
    let numbers: Vec<u16> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let [port, pipeline] = numbers[..] else {
        eprintln!("answerer PORT PIPELINE");
        std::process::exit(2);
    };
    let answers = b"$15\r\n1700000000000-0\r\n".repeat(usize::from(pipeline));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let readable = epoll::EventFlags::IN;
    epoll::add(&events, &listener, epoll::EventData::new_u64(LISTENER), readable)?;
    let mut clients: Vec<Option<TcpStream>> = Vec::new();
    let mut ready = Vec::with_capacity(512);
    let mut input = vec![0; 1 << 16];
    loop {
        ready.clear();
        epoll::wait(&events, rustix::buffer::spare_capacity(&mut ready), None)?;
        for event in &ready {
            if event.data.u64() == LISTENER {
                let (client, _) = listener.accept()?;
                client.set_nodelay(true)?;
                let at = client.as_raw_fd() as usize;
                epoll::add(&events, &client, epoll::EventData::new_u64(at as u64), readable)?;
                clients.resize_with(clients.len().max(at + 1), || None);
                clients[at] = Some(client);
                continue;
            }
            let place = &mut clients[event.data.u64() as usize];
            let Some(client) = place else { continue };
            let count = client.read(&mut input).unwrap_or(0);
            let answered = match &input[..count] {
                [] => false,
                // redis-benchmark asks for settings before it begins.
                asked if asked.starts_with(b"*3\r\n$6\r\nCONFIG") => {
                    let times = asked.windows(6).filter(|word| word == b"CONFIG").count();
                    client.write_all(&b"*0\r\n".repeat(times)).is_ok()
                }
                _ => client.write_all(&answers).is_ok(),
            };
            if !answered {
                *place = None;
            }
        }
    }
}
