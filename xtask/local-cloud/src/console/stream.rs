//! What the page follows: everything at first, then what is new.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream::unfold};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{Shared, queues};
use crate::record::Hop;

/// So many hops a page gets at first, and at a time.
const MOST: usize = 1_000;
/// What happens within this time is told at once, so that a busy cloud does not drown the page.
const GATHER: Duration = Duration::from_millis(40);
/// Messages appear and go by time alone; as often the queues are looked at while somebody looks.
const LOOK: Duration = Duration::from_millis(500);

struct Reader {
    shared: Arc<Shared>,
    follow: watch::Receiver<u64>,
    /// Where to go on among the hops; nothing before the first look.
    place: Option<u64>,
    queues: Value,
    picture: Value,
    notice: Value,
}

/// `hello` with the picture, the totals and the last hops; then `news` with hops, and queues, picture and notice when they
/// changed.
pub(super) async fn follow(State(shared): State<Arc<Shared>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let follow = shared.cloud.services.recorder.follow();
    let reader = Reader { shared, follow, place: None, queues: Value::Null, picture: Value::Null, notice: Value::Null };
    Sse::new(unfold(reader, |mut reader| async move { Some((Ok(reader.next().await), reader)) }))
        .keep_alive(KeepAlive::default())
}

impl Reader {
    async fn next(&mut self) -> Event {
        loop {
            let first = self.place.is_none();
            if !first {
                let _time_is_over = timeout(LOOK, self.follow.changed()).await;
                sleep(GATHER).await;
            }
            // Looked at before the hops, so that a hop that comes in between is told next time.
            self.follow.borrow_and_update();
            let news = self.shared.cloud.services.recorder.since(self.place.unwrap_or(0), MOST);
            let missed = if first { 0 } else { news.missed };
            let queues = queues::all(&self.shared);
            let (picture, notice) = (json!(*self.shared.cloud.picture.get()), json!(*self.shared.cloud.notice.get()));
            let seen = (&self.queues, &self.picture, &self.notice);
            if !first && news.hops.is_empty() && seen == (&queues, &picture, &notice) {
                continue;
            }
            self.place = Some(news.next);
            let mut told = json!({ "hops": self.told(&news.hops), "missed": missed });
            if queues != self.queues {
                set(&mut told, "queues", queues.clone());
                self.queues = queues;
            }
            if picture != self.picture {
                set(&mut told, "picture", picture.clone());
                self.picture = picture;
            }
            if first || notice != self.notice {
                set(&mut told, "notice", notice.clone());
                self.notice = notice;
            }
            if first {
                let Shared { cloud, neighbours, .. } = &*self.shared;
                set(&mut told, "neighbours", json!(neighbours));
                set(&mut told, "api", json!(cloud.api_endpoint));
            }
            set(&mut told, "totals", json!(self.shared.cloud.services.recorder.totals()));
            return Event::default().event(if first { "hello" } else { "news" }).data(told.to_string());
        }
    }

    fn told(&self, hops: &[Arc<Hop>]) -> Vec<Value> {
        let recorder = &self.shared.cloud.services.recorder;
        let tell = |hop: &Arc<Hop>| {
            let mut told = json!(**hop);
            if hop.begins() {
                set(&mut told, "about", json!(recorder.about(hop.number)));
            }
            told
        };
        hops.iter().map(tell).collect()
    }
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(entries) = object.as_object_mut() {
        entries.insert(key.to_owned(), value);
    }
}
