//! One connection: read all that is there, run it, answer with one write.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::socket::Socket;
use crate::command::clients::{Client, Unblock};
use crate::command::{self, Blocked, Flow, LateReply, Server, Session};
use crate::config::ClientClass;
use crate::keyspace::{Batch, NEVER};
use crate::resp::{Decoder, Limits, Reply, Step};

/// Replies are sent on their way once so many bytes have gathered, even in the midst of a batch.
const WRITE_BYTES: usize = 64 * 1024;
/// Buffers larger than this are given back when they are empty.
const IDLE_BUFFER_BYTES: usize = 16 * 1024;
/// Requests that come in while a blocking command waits are kept up to so many bytes; the rest
/// stays with the kernel.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// Most requests have at most so many arguments.
const ARGS_COMMON: usize = 16;

/// Why a connection ends.
enum End {
    /// The peer closed it, or it was told to go and got its reply.
    Closed,
    Killed,
    Failed(io::Error),
    /// It broke a rule or a limit; worth a line in the log.
    Refused(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => End::Closed,
            _ => End::Failed(error),
        }
    }
}

/// What to do when the requests read so far have been run as far as they can be.
enum Next {
    /// Read more; so many bytes are known to be missing.
    Read {
        missing: usize,
    },
    /// Send what has gathered, then run on.
    Write,
    Wait(Blocked),
    /// Run on at this unix ms.
    Pause(i64),
    /// Run on when no script has the locks for long, or one is past its time.
    Hold,
    Close,
    Refuse(String),
}

pub(super) struct Connection {
    server: Arc<Server>,
    socket: Socket,
    client: Arc<Client>,
    session: Session,
    decoder: Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    /// A subscriber, or one that was, has not taken all of the output, and is listened to all the same.
    is_backlogged: bool,
    /// Since when there has been more output than the soft limit.
    over_soft_since: Option<Instant>,
    /// How many requests were run together last.
    commands: u64,
}

impl Connection {
    pub fn new(server: Arc<Server>, socket: Socket, client: Arc<Client>) -> Connection {
        Connection {
            session: Session::of(Arc::clone(&client), &server),
            server,
            socket,
            client,
            decoder: Decoder::new(),
            input: Vec::new(),
            output: Vec::new(),
            is_backlogged: false,
            over_soft_since: None,
            commands: 0,
        }
    }

    pub async fn run(mut self) {
        let end = match self.serve().await {
            Ok(()) => End::Closed,
            Err(end) => end,
        };
        let (id, addr) = (self.client.id, &self.client.addr);
        match end {
            End::Closed | End::Killed => tracing::debug!(id, addr, "connection closed"),
            End::Failed(error) => tracing::info!(id, addr, %error, "connection failed"),
            End::Refused(why) => tracing::warn!(id, addr, why, "connection closed by the server"),
        }
        self.client.mailbox.close();
        self.server.leave(&mut self.session);
    }

    async fn serve(&mut self) -> Result<(), End> {
        loop {
            match self.run_requests() {
                Next::Read { missing } => {
                    if !self.write_listening().await? {
                        self.read(missing).await?;
                    }
                }
                Next::Write => {
                    self.write_listening().await?;
                }
                Next::Wait(blocked) => {
                    self.write().await?;
                    self.wait(blocked).await?;
                }
                Next::Pause(until_ms) => {
                    self.write().await?;
                    self.pause(until_ms).await?;
                }
                Next::Hold => {
                    self.write().await?;
                    self.hold().await?;
                }
                Next::Close => return self.write().await,
                Next::Refuse(why) => {
                    self.write().await?;
                    return Err(End::Refused(why));
                }
            }
            self.ended_by_others()?;
            self.let_the_journal_catch_up().await;
        }
    }

    /// Waits while more has been appended than the journal may be behind.
    async fn let_the_journal_catch_up(&self) {
        if let Some(journal) = self.server.store.journal()
            && journal.is_behind()
            && journal.admit().await.is_err()
        {
            // The batch learns of it when it wants room.
            tracing::debug!("the journal failed while a batch waited for it");
        }
    }

    /// Runs the requests that have been read, until more is to be read or written, or one waits.
    fn run_requests(&mut self) -> Next {
        let now_ms = self.server.keyspace.clock().now_ms();
        let hard_bytes_max = self.output_bytes_max();
        self.commands = 0;
        let mut batch = Batch::new(&self.server.keyspace);
        // Filled anew for each request, allocated once a batch.
        let mut args: Vec<&[u8]> = Vec::with_capacity(ARGS_COMMON);
        let next = loop {
            // What others had for it before this request stands before its reply, what the request
            // before this one brought behind that one's.
            if self.client.mailbox.has_mail() {
                fetch_mail(&self.client, &mut self.session, &mut self.output);
            }
            let limits = self.limits();
            match self.decoder.step(&self.input, &limits) {
                Ok(Step::Request) => {}
                Ok(Step::Empty) => continue,
                Ok(Step::Incomplete { missing }) => break Next::Read { missing },
                Err(error) => {
                    let text = format!("ERR {}", error.0);
                    Reply::new(&mut self.output, self.session.proto).error(text.as_bytes());
                    break Next::Refuse(error.0);
                }
            }
            args.clear();
            let ranges = self.decoder.ranges().iter();
            args.extend(ranges.map(|&(start, end)| &self.input[start..end]));
            let unquoted = self.decoder.take_unquoted();
            let words: Vec<&[u8]>;
            let args = match &unquoted {
                None => &args,
                Some(unquoted) => {
                    words = unquoted.iter().map(Vec::as_slice).collect();
                    &words
                }
            };
            self.commands += 1;
            batch.expect_more(self.decoder.position() < self.input.len());
            let (server, session, output) = (&self.server, &mut self.session, &mut self.output);
            match command::execute_in(&mut batch, server, session, args, output, now_ms) {
                Flow::Continue => {}
                Flow::Blocked(blocked) => break Next::Wait(blocked),
                Flow::Paused(until_ms) => {
                    self.decoder.unread();
                    break Next::Pause(until_ms);
                }
                Flow::Held => {
                    self.decoder.unread();
                    break Next::Hold;
                }
                Flow::Close => break Next::Close,
            }
            if self.output.len() >= WRITE_BYTES {
                if hard_bytes_max > 0 && self.output.len() as u64 > hard_bytes_max {
                    self.output.clear();
                    break self.refuse_output(hard_bytes_max);
                }
                if !self.is_backlogged {
                    break Next::Write;
                }
            }
        };
        batch.close(&mut self.session.seen);
        drop(batch);
        self.drop_done();
        self.publish(now_ms);
        next
    }

    fn limits(&self) -> Limits {
        Limits {
            bulk_bytes_max: self.server.config.proto_max_bulk_len.get_usize(),
            authenticated: !self.session.needs_login(&self.server),
        }
    }

    /// How much output it may have at once; 0: any.
    fn output_bytes_max(&self) -> u64 {
        let class = if self.is_backlogged { ClientClass::Subscriber } else { ClientClass::Normal };
        self.server.config.client_output_buffer_limit.of(class).hard_bytes
    }

    /// Why it ends, if somebody has ended it.
    fn ended_by_others(&self) -> Result<(), End> {
        if self.client.mailbox.is_cut_off() {
            return Err(End::Refused(
                "what it was sent and did not read passed client-output-buffer-limit pubsub".into(),
            ));
        }
        if self.client.is_killed() { Err(End::Killed) } else { Ok(()) }
    }

    fn refuse_output(&self, bytes_max: u64) -> Next {
        self.server.metrics.traffic.count_output_limit_end();
        Next::Refuse(format!("its replies passed client-output-buffer-limit ({bytes_max} bytes)"))
    }

    /// Shows others what was run, and how large the buffers are.
    fn publish(&mut self, now_ms: i64) {
        if self.commands > 0 {
            self.session.stopwatch.stop(&self.server.metrics.calls);
            self.session.publish();
            self.client.active_at_ms.store(now_ms, Ordering::Relaxed);
        }
        let show = |place: &AtomicU64, bytes: usize| place.store(bytes as u64, Ordering::Relaxed);
        show(&self.client.query_bytes, self.input.len());
        show(&self.client.query_capacity, self.input.capacity());
        let capacity = self.output.capacity();
        show(&self.client.output_capacity, capacity);
        if capacity as u64 > self.client.output_peak.load(Ordering::Relaxed) {
            show(&self.client.output_peak, capacity);
        }
    }

    /// Drops what was run from the input.
    fn drop_done(&mut self) {
        let done = self.decoder.needed_from();
        if done == self.input.len() {
            self.input.clear();
            if self.input.capacity() > IDLE_BUFFER_BYTES {
                self.input = Vec::new();
            }
        } else if done > 0 {
            self.input.drain(..done);
        }
        self.decoder.shift(done);
    }

    async fn read(&mut self, missing: usize) -> Result<(), End> {
        loop {
            if self.client.mailbox.has_mail() {
                fetch_mail(&self.client, &mut self.session, &mut self.output);
                if self.write_listening().await? {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                read = self.socket.read(&mut self.input, missing) => {
                    let bytes = read?;
                    return self.took(bytes);
                }
                () = self.client.mailbox.signalled() => self.ended_by_others()?,
            }
        }
    }

    /// Accounts for bytes that were read.
    fn took(&self, bytes: usize) -> Result<(), End> {
        if bytes == 0 {
            return Err(End::Closed);
        }
        self.client.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        self.server.metrics.traffic.count_read(bytes as u64);
        let limit = self.server.config.client_query_buffer_limit.get_usize();
        // What a transaction has queued came the same way and waits as well.
        let queued = self.session.multi.as_ref().map_or(0, |multi| multi.queued_bytes);
        if self.input.len() + queued > limit {
            self.server.metrics.traffic.count_query_limit_end();
            let why = format!("its requests passed client-query-buffer-limit ({limit} bytes)");
            return Err(End::Refused(why));
        }
        Ok(())
    }

    /// Waits until the journal holds all that the replies tell of. True if it `listens` and something
    /// was read before that.
    async fn settle(&mut self, listens: bool) -> Result<bool, End> {
        let Some(journal) = self.server.store.journal() else { return Ok(false) };
        let position = self.session.seen.position;
        if journal.settled() >= position {
            return Ok(false);
        }
        if self.output.is_empty() {
            // Nobody is told anything, but what was changed is to be written all the same.
            journal.flush();
            return Ok(false);
        }
        self.server.store.note_batch(self.commands);
        let settled = journal.settle(position, self.session.seen.written);
        let settled = if listens && self.input.len() < WAITING_BYTES_MAX {
            tokio::select! {
                biased;
                settled = settled => settled,
                read = self.socket.read(&mut self.input, 0) => {
                    self.took(read?)?;
                    return Ok(true);
                }
            }
        } else {
            settled.await
        };
        if settled.is_ok() {
            return Ok(false);
        }
        // How many of the replies would still be true, nobody knows.
        self.output.clear();
        let reason = match journal.status().failure {
            Some(failure) => failure.to_string(),
            None => "the server is shutting down".into(),
        };
        let text = format!(
            "MISCONF The outcome of this command, and of those sent with it, is unknown: {reason}"
        );
        Reply::new(&mut self.output, self.session.proto).error(text.as_bytes());
        self.send().await?;
        Err(End::Refused("the journal failed before its replies were settled".into()))
    }

    /// Sends all replies that have gathered, once what they tell of is settled.
    async fn write(&mut self) -> Result<(), End> {
        self.settle(false).await?;
        self.send().await
    }

    /// As [`write`](Self::write); but a subscriber is listened to meanwhile: one that subscribes to more is
    /// to get what is published from then on, however much it has not read yet, and whatever the journal
    /// is at. True if it has sent something first; what it has not taken stays in the output.
    async fn write_listening(&mut self) -> Result<bool, End> {
        // One that leaves its last channel may enter another before it has read what it was sent.
        let listens = self.client.is_subscriber() || self.is_backlogged;
        if self.settle(listens).await? {
            self.is_backlogged = true;
            return Ok(true);
        }
        let sent = self.send_some(listens).await?;
        self.is_backlogged = sent < self.output.len();
        if self.is_backlogged {
            self.output.drain(..sent);
        } else {
            self.clear_output();
        }
        Ok(self.is_backlogged)
    }

    async fn send(&mut self) -> Result<(), End> {
        self.send_some(false).await?;
        self.clear_output();
        Ok(())
    }

    /// Sends the output; how much of it, which is all unless something was read first. Only if it
    /// `listens` is anything read.
    async fn send_some(&mut self, listens: bool) -> Result<usize, End> {
        let mut sent = 0;
        while sent < self.output.len() {
            match self.socket.try_write(&self.output[sent..]) {
                Ok(bytes) => {
                    sent += bytes;
                    self.server.metrics.traffic.count_write(bytes as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.wait_writable(self.output.len() - sent, listens).await? {
                        break;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.client.bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
        Ok(sent)
    }

    fn clear_output(&mut self) {
        self.is_backlogged = false;
        self.over_soft_since = None;
        if self.client.mailbox.unsent_bytes() > 0 {
            self.client.mailbox.set_unsent_bytes(0);
        }
        if self.output.capacity() > IDLE_BUFFER_BYTES {
            self.output = Vec::new();
        } else {
            self.output.clear();
        }
    }

    /// Waits for a peer that does not read its replies; `client-output-buffer-limit` ends it if it takes
    /// too long. Unless it `listens` no request is read meanwhile, so nothing grows. Whether something
    /// was read.
    async fn wait_writable(&mut self, unsent: usize, listens: bool) -> Result<bool, End> {
        self.client.mailbox.set_unsent_bytes(unsent as u64);
        let class = match self.client.is_subscriber() || self.is_backlogged {
            true => ClientClass::Subscriber,
            false => ClientClass::Normal,
        };
        let limit = self.server.config.client_output_buffer_limit.of(class);
        let traffic = &self.server.metrics.traffic;
        let refused = || {
            traffic.count_output_limit_end();
            End::Refused("it did not read its replies".into())
        };
        if limit.hard_bytes > 0 && unsent as u64 > limit.hard_bytes {
            return Err(refused());
        }
        let is_over = limit.soft_bytes > 0 && unsent as u64 > limit.soft_bytes;
        self.over_soft_since = is_over.then(|| self.over_soft_since.unwrap_or_else(Instant::now));
        let over_soft_since = self.over_soft_since;
        let too_long = async {
            match over_soft_since {
                Some(since) => sleep_until(since + Duration::from_secs(limit.soft_seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(too_long);
        let listens = listens && self.input.len() < WAITING_BYTES_MAX;
        let mut was_signalled = false;
        let was_read = loop {
            tokio::select! {
                ready = self.socket.writable() => {
                    ready?;
                    break false;
                }
                ready = self.socket.readable(), if listens => {
                    ready?;
                    // It may have been said too early.
                    let bytes = tokio::select! {
                        biased;
                        read = self.socket.read(&mut self.input, 0) => read?,
                        () = std::future::ready(()) => continue,
                    };
                    self.took(bytes)?;
                    break true;
                }
                () = &mut too_long => return Err(refused()),
                () = self.client.mailbox.signalled() => {
                    was_signalled = true;
                    self.ended_by_others()?;
                }
            }
        };
        if was_signalled {
            // For whoever waits next: mail that came meanwhile is still to be delivered.
            self.client.mailbox.signal();
        }
        Ok(was_read)
    }

    /// Sends what others have left for a connection that waits. True if its reply has come, which
    /// then stands before mail that may tell of a change of what the reply shows.
    async fn deliver_mail_of_waiting(
        &mut self,
        reply: &mut oneshot::Receiver<LateReply>,
        silent: bool,
    ) -> Result<bool, End> {
        if !self.client.mailbox.has_mail() {
            return Ok(false);
        }
        let mut mail = Vec::new();
        fetch_mail(&self.client, &mut self.session, &mut mail);
        // Without a reply by now, all of the mail is older than the reply.
        let late = reply.try_recv();
        if let Ok(late) = &late {
            self.accept(late, silent);
        }
        self.output.extend_from_slice(&mail);
        self.write().await?;
        Ok(late.is_ok())
    }

    /// Takes the reply to a command that waited.
    fn accept(&mut self, late: &LateReply, silent: bool) {
        if !silent {
            self.output.extend_from_slice(&late.bytes);
        }
        let seen = &mut self.session.seen;
        seen.position = seen.position.max(late.position);
        seen.written = seen.written.max(late.position);
    }

    /// Whether somebody ended the wait by CLIENT UNBLOCK, whose reply is written then.
    fn was_unblocked(&mut self, at_deadline: &[u8]) -> bool {
        match self.client.unblocked() {
            Some(Unblock::Timeout) => self.output.extend_from_slice(at_deadline),
            Some(Unblock::Error) => {
                self.server.metrics.errors.count(b"UNBLOCKED");
                self.output.extend_from_slice(UNBLOCKED);
            }
            None => return false,
        }
        true
    }

    /// Waits for a blocking command's reply, its deadline, its end by hand, or the peer's going.
    async fn wait(&mut self, blocked: Blocked) -> Result<(), End> {
        let Blocked { waiter, mut reply, deadline_ms, at_deadline, look_again_ms, silent } =
            blocked;
        let clock = Arc::clone(self.server.keyspace.clock());
        let mut deadline = clock.sleep_until_ms(deadline_ms.unwrap_or(NEVER));
        let mut over = false;
        let mut served = false;
        let ended = loop {
            match self.deliver_mail_of_waiting(&mut reply, silent).await {
                Ok(was_served) => served = was_served,
                Err(end) => break Err(end),
            }
            // Looked at here, not where the signal comes: sending may have taken that.
            if served || self.was_unblocked(&at_deadline) {
                break Ok(());
            }
            let listens = self.input.len() < WAITING_BYTES_MAX;
            let look_again = look_again_ms.load(Ordering::Acquire);
            tokio::select! {
                biased;
                bytes = &mut reply => {
                    // The sender goes without a reply only when the wait was cancelled.
                    let Ok(late) = bytes else { break Err(End::Killed) };
                    self.accept(&late, silent);
                    served = true;
                    break Ok(());
                }
                () = self.client.mailbox.signalled() => {
                    if let Err(end) = self.ended_by_others() {
                        break Err(end);
                    }
                }
                () = &mut deadline, if deadline_ms.is_some() && !over => {
                    over = true;
                    // Otherwise it is being served this moment: its reply comes.
                    if waiter.cancel() {
                        self.output.extend_from_slice(&at_deadline);
                        break Ok(());
                    }
                }
                () = clock.sleep_until_ms(look_again), if look_again != NEVER => {
                    // The waiter sets the next time if it is the one that looks.
                    look_again_ms.store(NEVER, Ordering::Release);
                    self.server.keyspace.look_again(&waiter);
                }
                read = self.socket.read(&mut self.input, 0), if listens => {
                    if let Err(end) = read.map_err(End::from).and_then(|bytes| self.took(bytes)) {
                        break Err(end);
                    }
                }
            }
        };
        if !served {
            if silent {
                self.output.clear();
            }
            waiter.cancel();
            self.server.keyspace.leave(&waiter);
        }
        self.client.clear_blocked();
        ended
    }

    /// Waits for the end of CLIENT PAUSE, or the peer's going.
    async fn pause(&mut self, until_ms: i64) -> Result<(), End> {
        let clock = Arc::clone(self.server.keyspace.clock());
        let server = Arc::clone(&self.server);
        // Asked for before the pause is looked at again: an end in between is not missed.
        let changed = server.pause.changed();
        let current = server.pause.at(clock.now_ms()).map(|(current_ms, _)| current_ms);
        if current != Some(until_ms) {
            return Ok(());
        }
        let sleep = clock.sleep_until_ms(until_ms);
        tokio::pin!(changed, sleep);
        self.client.set_paused(true);
        let ended = loop {
            if self.client.mailbox.has_mail() {
                break Ok(());
            }
            let listens = self.input.len() < WAITING_BYTES_MAX;
            tokio::select! {
                biased;
                () = &mut sleep => break Ok(()),
                () = &mut changed => break Ok(()),
                () = self.client.mailbox.signalled() => break Ok(()),
                read = self.socket.read(&mut self.input, 0), if listens => {
                    if let Err(end) = read.map_err(End::from).and_then(|bytes| self.took(bytes)) {
                        break Err(end);
                    }
                }
            }
        };
        self.client.set_paused(false);
        ended
    }

    /// Waits until a script that has the locks for long ends, or is past its time.
    async fn hold(&mut self) -> Result<(), End> {
        let server = Arc::clone(&self.server);
        let settled = server.scripts.running.settled();
        tokio::pin!(settled);
        loop {
            let listens = self.input.len() < WAITING_BYTES_MAX;
            tokio::select! {
                biased;
                () = &mut settled => return Ok(()),
                // It was told to go, or has mail; the request is tried again after that.
                () = self.client.mailbox.signalled() => return Ok(()),
                read = self.socket.read(&mut self.input, 0), if listens => {
                    let bytes = read?;
                    self.took(bytes)?;
                }
            }
        }
    }
}

/// Puts what others have left for a connection behind its replies.
fn fetch_mail(client: &Client, session: &mut Session, output: &mut Vec<u8>) {
    let position = client.mailbox.fetch(output);
    let seen = &mut session.seen;
    seen.position = seen.position.max(position);
}

const UNBLOCKED: &[u8] = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
