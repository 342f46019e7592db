use super::*;

fn hop(recorder: &Recorder, journeys: &[u64], payload: &str) -> Hop {
    let number = recorder.next();
    let journeys = if journeys.is_empty() { vec![number] } else { journeys.to_vec() };
    let payload = Payload::copied(payload);
    Hop { journeys, payload, ..Hop::new(number, Kind::Sent, "outside", "queue:q", String::new()) }
}

/// Payloads here are about the words in them.
fn words(payload: &[u8]) -> Option<About> {
    let text = String::from_utf8_lossy(payload);
    Some(About { title: text.to_string(), keys: text.split(' ').map(str::to_owned).collect() })
}

#[test]
fn the_newest_hops_are_kept_and_readers_know_what_they_missed() {
    let recorder = Recorder::default();
    for _ in 0..KEPT + 10 {
        recorder.keep(hop(&recorder, &[], "x"));
    }
    let news = recorder.since(3, KEPT);
    assert_eq!((news.hops.len(), news.missed, news.next), (KEPT, 7, KEPT as u64 + 10));
    assert!(recorder.hop(10).is_none() && recorder.hop(11).is_some());
    assert_eq!(recorder.since(news.next, KEPT).hops.len(), 0);
    assert_eq!(recorder.totals(), [("outside".to_owned(), "queue:q".to_owned(), Total { all: 5_010, errors: 0 })]);
}

#[test]
fn payloads_are_kept_up_to_a_limit_and_long_ones_not_at_all() {
    let recorder = Recorder::default();
    let long = "x".repeat(256 << 10);
    for _ in 0..100 {
        recorder.keep(hop(&recorder, &[], &long));
    }
    let kept = recorder.since(0, KEPT).hops;
    assert!(kept.len() < 64 && kept.iter().map(|hop| hop.size()).sum::<usize>() <= KEPT_BYTES);
    let too_long = Payload::copied("x".repeat((256 << 10) + 1));
    assert!(!too_long.is_whole() && too_long.bytes.is_empty());
}

#[test]
fn what_a_batch_brings_forth_stays_with_the_journey_that_it_is_about() {
    let recorder = Recorder::default();
    recorder.know(Box::new(words));
    let (first, second) = (hop(&recorder, &[], "one"), hop(&recorder, &[], "two"));
    let both = [first.number, second.number];
    recorder.keep(first);
    recorder.keep(second);
    let made = hop(&recorder, &both, "made of two");
    let number = made.number;
    recorder.keep(made);
    assert_eq!(recorder.hop(number).unwrap().journeys, [both[1]]);
    let vague = hop(&recorder, &both, "neither");
    let number = vague.number;
    recorder.keep(vague);
    assert_eq!(recorder.hop(number).unwrap().journeys, both);
    assert!(
        recorder.note("one", "outside", "outside", "seen".to_owned()) && !recorder.note("x", "a", "b", String::new())
    );
    assert_eq!(recorder.since(0, 1).hops.first().unwrap().journeys, [both[0]]);
}

#[test]
fn the_newest_journey_about_something_is_found_wherever_it_is() {
    let recorder = Recorder::default();
    recorder.know(Box::new(words));
    for count in [1, LOOKED_AT, 3 * LOOKED_AT + 1, KEPT + 1] {
        let journeys: Vec<_> = (0..count).map(|at| hop(&recorder, &[], &format!("{count}/{at} {count}/all"))).collect();
        let numbers: Vec<_> = journeys.iter().map(|hop| hop.number).collect();
        journeys.into_iter().for_each(|hop| recorder.keep(hop));
        for (at, number) in numbers.iter().enumerate() {
            let kept = recorder.hop(*number).map(|hop| hop.number);
            assert_eq!(recorder.journey_about(&format!("{count}/{at}")), kept);
        }
        assert_eq!(recorder.journey_about(&format!("{count}/all")), numbers.last().copied());
        assert_eq!(recorder.journey_about("nothing"), None);
    }
}

#[test]
fn a_call_belongs_to_what_its_key_works_on() {
    let recorder = Recorder::default();
    recorder.working("key", Arc::new(Cause::new("function:f".to_owned(), vec![7])));
    assert_eq!(recorder.caller("key").journeys, [7]);
    recorder.ended("key");
    assert_eq!(*recorder.caller("key"), Cause::default());
}

#[test]
fn headers_are_kept_as_they_came() {
    let mut came = http::HeaderMap::new();
    for (name, value) in [("host", "a:1"), ("x", "1"), ("x", ""), ("y", "a: b, c")] {
        came.append(name, value.parse().unwrap());
    }
    came.append("z", http::HeaderValue::from_bytes(b"\xff\t").unwrap());
    let kept = Headers::from(&came);
    let again: http::HeaderMap = kept.iter().collect();
    assert_eq!((kept.iter().count(), again), (5, came));
    assert_eq!(Headers::default().iter().count(), 0);
}
