//! Bodies with a chosen CRC-32: the sum is linear, so blanks and tabs behind a JSON text can be chosen to give any.

/// The difference between a blank and a tab.
const DIFFERENCE: u8 = b' ' ^ b'\t';
/// As many places that are a blank or a tab.
const PLACES: usize = 64;

/// The body with blanks and tabs behind it, so that its sum is that of `like`.
pub(crate) fn with_the_sum_of(like: &[u8], body: &[u8]) -> Vec<u8> {
    let mut forged = [body, &[b' '; PLACES]].concat();
    let start = body.len();
    let blank = crc32fast::hash(&forged);
    // What a tab at each place changes in the sum.
    let mut rows: Vec<(u32, u64)> = (0..PLACES)
        .map(|place| {
            forged[start + place] ^= DIFFERENCE;
            let change = crc32fast::hash(&forged) ^ blank;
            forged[start + place] ^= DIFFERENCE;
            (change, 1 << place)
        })
        .collect();
    // Gauss: a place, or places together, for each bit that is to change.
    let (mut wanted, mut tabs) = (crc32fast::hash(like) ^ blank, 0_u64);
    for bit in 0..32 {
        let mask = 1_u32 << bit;
        let Some(at) = rows.iter().position(|(change, _)| change & mask != 0) else { continue };
        let (change, places) = rows.swap_remove(at);
        for row in rows.iter_mut().filter(|row| row.0 & mask != 0) {
            *row = (row.0 ^ change, row.1 ^ places);
        }
        if wanted & mask != 0 {
            wanted ^= change;
            tabs ^= places;
        }
    }
    assert_eq!(wanted, 0, "64 places reach every sum");
    for place in (0..PLACES).filter(|place| tabs >> place & 1 == 1) {
        forged[start + place] = b'\t';
    }
    forged
}

#[test]
fn any_body_can_have_the_sum_of_any_other() {
    let (like, body) = (br#"{"amount":"10.00"}"#, br#"{"amount":"9999.00"}"#);
    let forged = with_the_sum_of(like, body);
    assert_eq!(crc32fast::hash(&forged), crc32fast::hash(like));
    assert_ne!(crc32fast::hash(body), crc32fast::hash(like));
}
