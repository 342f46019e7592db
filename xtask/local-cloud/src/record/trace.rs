//! Where a hop stands in its trace, and the headers by which traces go on from process to process.
//!
//! X-Ray's ids and those of W3C are the same 16 and 8 bytes, written differently, so that one id serves both.
//!
//! Sources: <https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader>,
//! <https://www.w3.org/TR/trace-context/>

use http::HeaderMap;

/// X-Ray's header.
pub(crate) const XRAY: &str = "x-amzn-trace-id";
/// W3C's header.
const W3C: &str = "traceparent";

/// One span of a trace, as others refer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The trace's id.
    pub trace: u128,
    /// The span's own id; 0 where only the trace is known.
    pub id: u64,
    /// Whether X-Ray is to keep the trace. Journeys are recorded here and exported all the same.
    pub sampled: bool,
}

/// Where a hop stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The hop's span; of trace 0 before the hop is recorded, when it follows from nothing.
    pub span: Span,
    /// The span that it follows from.
    pub parent: Option<u64>,
    /// Further spans that it follows from: those of a batch's other messages.
    pub links: Vec<Span>,
}

impl Span {
    /// What the headers of a request say: X-Ray's, or else W3C's.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        text(XRAY).and_then(Self::of_xray).or_else(|| text(W3C).and_then(Self::of_w3c))
    }

    /// Reads `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    pub(crate) fn of_xray(header: &str) -> Option<Self> {
        let part = |name: &str| {
            let parts = header.split(';').filter_map(|part| part.trim().split_once('='));
            parts.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
        };
        let root = part("Root")?.strip_prefix("1-")?;
        let (seconds, rest) = root.split_once('-')?;
        let trace = (hex(seconds, 8)? << 96) | hex(rest, 24)?;
        let id = part("Parent").and_then(|parent| hex(parent, 16)).and_then(|id| u64::try_from(id).ok());
        Some(Self { trace, id: id.unwrap_or_default(), sampled: part("Sampled") == Some("1") })
    }

    /// Reads `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    fn of_w3c(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace, id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Later versions may have more behind; version ff is none.
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        hex(version, 2).filter(|_| known)?;
        let (trace, id) = (hex(trace, 32)?, u64::try_from(hex(id, 16)?).ok()?);
        (trace != 0 && id != 0).then_some(Self { trace, id, sampled: hex(flags, 2)? & 1 == 1 })
    }

    /// X-Ray's header without the span: `Root=1-5759e988-bd862e3fe1be46a994272793`.
    pub(crate) fn root(&self) -> String {
        format!("Root=1-{:08x}-{:024x}", self.trace >> 96, self.trace & ((1 << 96) - 1))
    }

    /// X-Ray's header.
    pub(crate) fn xray(&self) -> String {
        format!("{};Parent={:016x};Sampled={}", self.root(), self.id, u8::from(self.sampled))
    }
}

/// A number of exactly so many digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Makes ids from the numbers of hops: the same number always gives the same id, and two runs share none.
#[derive(Debug)]
pub(super) struct Ids {
    seed: u64,
    /// When the run began, in seconds since the epoch: X-Ray's ids begin with the time.
    since: u32,
}

impl Ids {
    pub(super) fn new(seed: u128, since: u64) -> Self {
        let seed = (seed as u64) ^ ((seed >> 64) as u64);
        Self { seed, since: u32::try_from(since).unwrap_or(u32::MAX) }
    }

    pub(super) fn span(&self, number: u64) -> u64 {
        // An id of zeros is none.
        mixed(self.seed ^ number).max(1)
    }

    pub(super) fn trace(&self, number: u64) -> u128 {
        let (high, low) = (mixed(!self.seed ^ number), mixed(self.seed.rotate_left(32) ^ number));
        (u128::from(self.since) << 96) | (u128::from(high & u64::from(u32::MAX)) << 64) | u128::from(low)
    }
}

/// The finalizer of SplitMix64, by Sebastiano Vigna: every bit of the result depends on every bit of the number.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_headers_name_the_same_trace() {
        let xray = "Self=1-1-1;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
        let w3c = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";
        let span = Span { trace: 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793, id: 0x5399_5c3f_42cd_8ad8, sampled: true };
        assert_eq!((Span::of_xray(xray), Span::of_w3c(w3c)), (Some(span), Some(span)));
        assert_eq!(span.xray(), xray.strip_prefix("Self=1-1-1;").unwrap());
        let bare = Span::of_xray("Root=1-5759e988-bd862e3fe1be46a994272793").unwrap();
        assert_eq!((bare.trace, bare.id, bare.sampled), (span.trace, 0, false));
    }

    #[test]
    fn what_is_no_header_names_no_trace() {
        for wrong in [
            "",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e98-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(Span::of_xray(wrong), None, "{wrong}");
        }
        let (trace, id) = ("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8");
        for wrong in [
            format!("00-{trace}-{id}"),
            format!("ff-{trace}-{id}-01"),
            format!("00-{trace}-{id}-01-more"),
            format!("00-{}-{id}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-+{}-{id}-01", &trace[1..]),
        ] {
            assert_eq!(Span::of_w3c(&wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange_to_be_looked_at(text in ".{0,80}") {
            let _any = (Span::of_xray(&text), Span::of_w3c(&text));
        }

        #[test]
        fn a_header_reads_as_it_was_written(trace in 1_u128.., id in 1_u64.., sampled: bool) {
            let span = Span { trace, id, sampled };
            prop_assert_eq!(Span::of_xray(&span.xray()), Some(span));
        }
    }
}
