//! A function's zip: the binary as `bootstrap`, and nothing that tells when, where or by whom it was made.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// The name under which Lambda starts a program: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html>.
const BOOTSTRAP: &str = "bootstrap";

/// Zips a binary: the same bytes for the same binary, on any machine.
pub fn zip(binary: &[u8]) -> Result<Vec<u8>, ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // The smallest: it is packed once, and its bytes are loaded at every cold start.
        .compression_level(Some(9))
        // Lambda runs functions as another user than the one who unpacks them.
        .unix_permissions(0o755)
        // The first moment that a zip can tell, 1980-01-01.
        .last_modified_time(DateTime::DEFAULT);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(BOOTSTRAP, options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_zip_holds_the_binary_as_an_executable_bootstrap() {
        let binary = b"\x7fELF and what follows".repeat(100);
        let mut archive = zip::ZipArchive::new(Cursor::new(zip(&binary).unwrap())).unwrap();
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "bootstrap");
        assert_eq!(file.unix_mode(), Some(0o100_755));
        assert_eq!(file.last_modified(), Some(DateTime::DEFAULT));
        let mut inside = Vec::new();
        file.read_to_end(&mut inside).unwrap();
        assert_eq!(inside, binary);
    }

    /// The bytes themselves: another version of a library that packs otherwise would have every function uploaded again, and
    /// that should be known.
    #[test]
    fn the_same_binary_has_the_same_bytes() {
        let zipped = zip(b"a function").unwrap();
        assert_eq!(zipped, zip(b"a function").unwrap());
        assert_eq!(
            crate::commands::build::sha256(&zipped),
            "0812c851bfb2e15e006ac74b30a495171f849479cbb42183ac9e3f156480c409"
        );
    }
}
