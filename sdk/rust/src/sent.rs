//! What has been sent and is not confirmed yet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use redis::Value;

use crate::heartbeats::Beats;
use crate::state::State;

// Bounds of what is kept. Beyond them less can be proven.
const MAX_NAMESPACES: usize = 1000;
const MAX_ROOMS: usize = 1000;

/// A time that is none.
const NEVER: u64 = u64::MAX;

/// A namespace, and the channel that one of its rooms has.
pub(crate) type Channel = (String, String);

/// The notes of one emitter. They are made when Redis has answered, or may not have: what is still on its way then belongs
/// to no confirmation that has begun.
pub(crate) struct Sent {
    epoch: Instant,
    /// When the first of it was sent, of all namespaces, in nanoseconds since the epoch.
    first: AtomicU64,
    /// When anything was.
    ever: AtomicU64,
    /// To which all of it went.
    namespace: OnceLock<String>,
    /// It went to others, too.
    mixed: AtomicBool,
    kept: Mutex<Kept>,
}

/// What is kept of each namespace.
#[derive(Default)]
struct Kept {
    last: HashMap<String, Outcome>,
    spans: HashMap<String, Span>,
    channels: HashMap<String, HashSet<String>>,
    beats: HashMap<String, Beats>,
    /// When something could not be kept.
    lost: Option<u64>,
}

impl Kept {
    fn channel(&mut self, (namespace, channel): Channel, now: u64) {
        let fits = match self.channels.get(&namespace) {
            None => self.channels.len() < MAX_NAMESPACES,
            Some(known) => known.len() < MAX_ROOMS || known.contains(&channel),
        };
        if fits {
            self.channels.entry(namespace).or_default().insert(channel);
        } else {
            self.lost = Some(now);
        }
    }
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            epoch: Instant::now(),
            first: AtomicU64::new(NEVER),
            ever: AtomicU64::new(NEVER),
            namespace: OnceLock::new(),
            mixed: AtomicBool::new(false),
            kept: Mutex::default(),
        }
    }
}

impl Sent {
    /// Notes that something goes to a namespace.
    pub(crate) fn goes_to(&self, namespace: &str) {
        if !self.mixed.load(Ordering::Acquire) && self.namespace.get_or_init(|| namespace.to_owned()) != namespace {
            self.mixed.store(true, Ordering::Release);
        }
    }

    /// Begins to send something, in part on the channels of rooms. It is noted when that ends, or its future is dropped.
    pub(crate) fn sending(&self, channels: impl IntoIterator<Item = Channel>) -> Sending<'_> {
        // The first event of all was sent before this one, which saves a look at the clock.
        let since = match self.first.load(Ordering::Acquire) {
            NEVER => self.now(),
            first => first,
        };
        Sending { sent: self, since, channels: channels.into_iter().collect() }
    }

    fn note(&self, since: u64) {
        for earliest in [&self.ever, &self.first] {
            if earliest.load(Ordering::Acquire) > since {
                earliest.fetch_min(since, Ordering::AcqRel);
            }
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(NEVER - 1)
    }

    fn time(&self, nanoseconds: u64) -> Option<Instant> {
        (nanoseconds != NEVER).then(|| self.epoch + Duration::from_nanos(nanoseconds))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The servers of a namespace that were heard in its stream.
    pub(crate) fn beats(&self, namespace: &str) -> Option<Beats> {
        self.lock().beats.get(namespace).cloned()
    }

    pub(crate) fn set_beats(&self, namespace: &str, beats: Beats) {
        self.lock().beats.insert(namespace.to_owned(), beats);
    }

    /// Takes what was sent to a namespace so far. What is noted from now on belongs to the next confirmation.
    pub(crate) fn begin(&self, namespace: &str) -> Window<'_> {
        let is_mixed = self.mixed.load(Ordering::Acquire);
        // What was sent to another one only is left to that.
        let is_known = is_mixed || self.namespace.get().is_some_and(|only| only == namespace);
        let noted = if is_known { self.first.swap(NEVER, Ordering::AcqRel) } else { NEVER };
        // The first event of all is what is known of this namespace, where there are several.
        let since = if is_mixed { self.ever.load(Ordering::Acquire) } else { noted };
        let kept = &mut *self.lock();
        let last = kept.last.get(namespace).cloned().unwrap_or_default();
        for (other, last) in &mut kept.last {
            last.is_doubtful |= other != namespace && last.is_doubted(noted);
        }
        Window {
            sent: self,
            namespace: namespace.to_owned(),
            began: self.now(),
            since: self.time(since),
            noted,
            is_lost: kept.lost.is_some_and(|lost| lost >= last.began),
            last,
            channels: kept.channels.remove(namespace).unwrap_or_default(),
            entries: kept.spans.get(namespace).copied(),
            has_ended: false,
        }
    }
}

/// Something that is on its way.
pub(crate) struct Sending<'a> {
    sent: &'a Sent,
    since: u64,
    channels: BTreeSet<Channel>,
}

impl Sending<'_> {
    /// Takes the answer of Redis to the command that adds an entry to the stream of a namespace.
    pub(crate) fn added(&self, namespace: &[u8], answer: &Value) {
        let Some(id) = EntryId::read(answer) else { return };
        let namespace = String::from_utf8_lossy(namespace);
        let kept = &mut *self.sent.lock();
        if let Some(span) = kept.spans.get_mut(&*namespace) {
            *span = span.with(id);
        } else if kept.spans.len() < MAX_NAMESPACES {
            kept.spans.insert(namespace.into_owned(), Span { first: id, last: id });
        } else {
            kept.lost = Some(self.sent.now());
        }
    }

    /// Ends it. Servers are known to have what went on channels of their own.
    pub(crate) fn arrived(mut self) {
        self.channels.clear();
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        // The time comes last: with it, a confirmation has all that is to know of it.
        if !self.channels.is_empty() {
            let mut kept = self.sent.lock();
            for channel in std::mem::take(&mut self.channels) {
                kept.channel(channel, self.sent.now());
            }
        }
        self.sent.note(self.since);
    }
}

/// What a confirmation leaves for the next one of the namespace.
#[derive(Clone, Default)]
pub(crate) struct Outcome {
    /// How things were; none where that is not known.
    pub(crate) state: Option<Arc<State>>,
    /// Why nothing is known of what was sent until then, if anything is.
    pub(crate) doubt: Option<String>,
    /// When the confirmation began, and when it ended.
    began: u64,
    until: u64,
    /// Something was sent until then, as a confirmation of another namespace has found.
    is_doubtful: bool,
    /// How many servers there were before some of them may have been cut off, until as many have answered again. One that
    /// comes back has not got what was sent while it was away.
    pub(crate) missed: u64,
}

impl Outcome {
    /// Whether nothing is known of what was sent at a time.
    fn is_doubted(&self, noted: u64) -> bool {
        self.doubt.is_some() && (self.is_doubtful || noted <= self.until)
    }

    /// What `missed` becomes when so many servers have answered. Some may have been cut off since this outcome, if only
    /// behind their answers, when the way was interrupted.
    fn missed_now(&self, servers: u64, is_interrupted: bool) -> u64 {
        match &self.state {
            _ if !is_interrupted && servers >= self.missed => 0,
            Some(state) if is_interrupted => self.missed.max(state.known_servers()),
            _ => self.missed,
        }
    }
}

/// What a confirmation is about. It goes back to what was sent unless it [ends](Self::end): the next one is about it, too.
pub(crate) struct Window<'a> {
    sent: &'a Sent,
    namespace: String,
    began: u64,
    /// When the first event was sent; none when nothing was.
    pub(crate) since: Option<Instant>,
    /// The same, of events that no confirmation in any namespace was about.
    noted: u64,
    pub(crate) last: Outcome,
    /// On which something was sent to one room.
    pub(crate) channels: HashSet<String>,
    pub(crate) entries: Option<Span>,
    is_lost: bool,
    has_ended: bool,
}

impl Window<'_> {
    /// Why nothing can be known of the events, whatever the servers answer. Channels are of no matter where all of them
    /// take one way.
    pub(crate) fn doubt(&self, channels_matter: bool) -> Option<String> {
        if self.is_lost && channels_matter {
            return Some("events went to more rooms or namespaces than are kept in mind".to_owned());
        }
        self.last.doubt.clone().filter(|_| self.last.is_doubted(self.noted))
    }

    /// Ends the confirmation: its events will not be asked about again. It has found a state, if it could look, and a
    /// doubt.
    pub(crate) fn end(mut self, servers: u64, state: Option<State>, doubt: Option<String>) {
        self.has_ended = true;
        let missed = self.last.missed_now(servers, doubt.is_some());
        let (began, until) = (self.began, self.sent.now());
        let outcome = Outcome { state: state.map(Arc::new), doubt, began, until, is_doubtful: false, missed };
        let mut kept = self.sent.lock();
        if kept.last.len() >= MAX_NAMESPACES {
            kept.last.clear();
        }
        kept.last.insert(self.namespace.clone(), outcome);
        let (Some(entries), Some(now)) = (self.entries, kept.spans.get_mut(&self.namespace)) else { return };
        if now.last == entries.last {
            kept.spans.remove(&self.namespace);
        } else {
            now.first = entries.last;
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let mut kept = self.sent.lock();
        for channel in std::mem::take(&mut self.channels) {
            kept.channel((self.namespace.clone(), channel), self.sent.now());
        }
        self.sent.note(self.noted);
    }
}

/// The first and the last entry that something has added to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: EntryId,
    pub(crate) last: EntryId,
}

impl Span {
    /// The same with another entry. Several may be added at the same time, so that the answers of Redis come in any order.
    fn with(self, id: EntryId) -> Self {
        Self { first: self.first.min(id), last: self.last.max(id) }
    }
}

/// The id of an entry, `<milliseconds>-<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryId {
    pub(crate) milliseconds: u64,
    number: u64,
}

impl EntryId {
    /// Reads what Redis answers.
    pub(crate) fn read(answer: &Value) -> Option<Self> {
        let Value::BulkString(text) = answer else { return None };
        let (milliseconds, number) = std::str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { milliseconds: milliseconds.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(servers: u64) -> State {
        State { servers, ..State::default() }
    }

    fn entry(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn span(first: &str, last: &str) -> Option<Span> {
        Some(Span { first: EntryId::read(&entry(first))?, last: EntryId::read(&entry(last))? })
    }

    fn send(sent: &Sent, namespace: &str) {
        sent.goes_to(namespace);
        drop(sent.sending(None));
    }

    fn channel(sent: &Sent, namespace: &str, name: &str) {
        sent.goes_to(namespace);
        drop(sent.sending(Some((namespace.to_owned(), name.to_owned()))));
    }

    #[test]
    fn servers_that_were_cut_off_are_missed_until_they_are_back() {
        let outcome = |state: Option<u64>, missed| Outcome {
            state: state.map(|servers| Arc::new(self::state(servers))),
            missed,
            ..Outcome::default()
        };
        for (name, last, is_interrupted, servers, want) in [
            ("nobody has looked before", outcome(None, 0), true, 1, 0),
            ("all is well", outcome(Some(2), 0), false, 2, 0),
            ("one has ended", outcome(Some(2), 0), false, 1, 0),
            ("one was cut off", outcome(Some(2), 0), true, 1, 2),
            ("one was cut off behind its answer", outcome(Some(2), 0), true, 2, 2),
            ("it is still away", outcome(Some(1), 2), false, 1, 2),
            ("nobody could look", outcome(None, 2), true, 1, 2),
            ("the other one is cut off, too", outcome(Some(1), 2), true, 1, 2),
            ("both are back", outcome(Some(1), 2), false, 2, 0),
        ] {
            assert_eq!(last.missed_now(servers, is_interrupted), want, "{name}");
        }
    }

    #[test]
    fn what_is_on_its_way_belongs_to_the_next_one() {
        let sent = Sent::default();
        sent.goes_to("/");
        let on_its_way = sent.sending(None);
        let window = sent.begin("/");
        assert_eq!(window.since, None);
        window.end(2, Some(state(2)), Some("cut".to_owned()));
        drop(on_its_way);
        let window = sent.begin("/");
        assert!(window.since.is_some());
        assert_eq!(window.doubt(false).as_deref(), Some("cut"));
        window.end(2, Some(state(2)), None);
        send(&sent, "/");
        let window = sent.begin("/");
        assert!(window.since.is_some() && window.doubt(false).is_none());
        window.end(2, Some(state(2)), Some("cut".to_owned()));
        let window = sent.begin("/");
        assert!(window.since.is_none() && window.doubt(false).is_none(), "nothing was sent");
    }

    #[test]
    fn what_is_not_confirmed_goes_back() {
        let sent = Sent::default();
        channel(&sent, "/", "room");
        let first = sent.begin("/");
        let since = first.since;
        send(&sent, "/");
        drop(first);
        let window = sent.begin("/");
        assert_eq!((window.since, &window.channels), (since, &HashSet::from(["room".to_owned()])));
        window.end(1, Some(state(1)), None);
        assert!(sent.begin("/").channels.is_empty());
    }

    #[test]
    fn of_several_namespaces_the_first_event_of_all_is_known() {
        let sent = Sent::default();
        send(&sent, "/a");
        let since = sent.begin("/a").since;
        assert!(since.is_some());
        send(&sent, "/b");
        for namespace in ["/b", "/a", "/b"] {
            let window = sent.begin(namespace);
            assert_eq!(window.since, since, "{namespace}");
            window.end(1, Some(state(1)), None);
        }
    }

    #[test]
    fn one_namespace_takes_nothing_from_another() {
        let sent = Sent::default();
        send(&sent, "/");
        let window = sent.begin("/other");
        assert!(window.since.is_none(), "nothing was sent there");
        window.end(1, Some(state(1)), None);
        assert!(sent.begin("/").since.is_some());

        // Of one that was sent to in the time of a doubt, the other one must not take the doubt away.
        send(&sent, "/other");
        let on_its_way = sent.sending(None);
        sent.begin("/").end(1, Some(state(1)), Some("cut".to_owned()));
        drop(on_its_way);
        sent.begin("/other").end(1, Some(state(1)), None);
        let window = sent.begin("/");
        assert_eq!(window.doubt(false).as_deref(), Some("cut"));
        window.end(1, Some(state(1)), None);
        assert_eq!(sent.begin("/").doubt(false), None);
    }

    #[test]
    fn entries_may_come_in_any_order() {
        let sent = Sent::default();
        let sending = sent.sending(None);
        for id in ["10-1", "9-5", "10-0", "10-10", "10-9"] {
            sending.added(b"/", &entry(id));
        }
        sending.added(b"", &Value::Int(3));
        let window = sent.begin("/");
        assert_eq!(window.entries, span("9-5", "10-10"));
        sending.added(b"/", &entry("11-0"));
        window.end(1, Some(state(1)), None);
        let window = sent.begin("/");
        assert_eq!(window.entries, span("10-10", "11-0"));
        window.end(1, Some(state(1)), None);
        assert_eq!(sent.begin("/").entries, None);
    }

    #[test]
    fn too_many_are_a_doubt() {
        type Note = fn(&Sent, &str);
        let notes: [(&str, Note); 3] = [
            ("rooms", |sent, i| channel(sent, "/", i)),
            ("namespaces", |sent, i| channel(sent, i, "")),
            ("streams", |sent, i| sent.sending(None).added(i.as_bytes(), &entry("1-1"))),
        ];
        for (name, note) in notes {
            let sent = Sent::default();
            for i in 0..MAX_ROOMS {
                note(&sent, &i.to_string());
                note(&sent, &i.to_string());
            }
            assert_eq!(sent.begin("/").doubt(true), None, "{name}");
            note(&sent, "one more");
            for namespace in ["/", "/other"] {
                let window = sent.begin(namespace);
                assert!(window.doubt(true).is_some() && window.doubt(false).is_none(), "{name}");
                window.end(1, Some(state(1)), None);
                assert_eq!(sent.begin(namespace).doubt(true), None, "{name}: the next one begins anew");
            }
        }
    }
}
