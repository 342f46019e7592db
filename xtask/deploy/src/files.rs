//! Files that are written.

use std::{
    fs::{self, OpenOptions},
    io::{Result, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Writes a file anew that only its owner may read. What lay there is gone first: a link that somebody laid is not written
/// through.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> Result<()> {
    let _nothing_there = fs::remove_file(file);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_is_not_written_through_and_others_may_not_read() {
        let folder = std::env::temp_dir().join(format!("deploy-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (other, file) = (folder.join("other"), folder.join("body.json"));
        fs::write(&other, "somebody else's").unwrap();
        symlink(&other, &file).unwrap();
        write_private(&file, b"ours").unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "somebody else's");
        assert_eq!(fs::read_to_string(&file).unwrap(), "ours");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }
}
