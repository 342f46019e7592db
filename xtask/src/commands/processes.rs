//! What Linux knows of processes: their family, processor time and memory. Elsewhere there is nothing to read.

use std::{fs, path::Path};

/// A process that runs.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    /// The name of its executable's file.
    pub(crate) name: String,
    /// Processor time of its threads, in milliseconds.
    pub(crate) cpu_ms: f64,
    /// Resident memory, in MiB.
    pub(crate) resident_mib: f64,
}

/// All that may be looked at.
pub(crate) fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| read(&entry.path(), entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// A process with all that it started and they started.
pub(crate) fn family(id: u32) -> Vec<Process> {
    let mut others = all();
    let mut family: Vec<Process> = others.extract_if(.., |process| process.id == id).collect();
    loop {
        let known: Vec<u32> = family.iter().map(|process| process.id).collect();
        let before = family.len();
        family.extend(others.extract_if(.., |process| known.contains(&process.parent)));
        if family.len() == before {
            return family;
        }
    }
}

fn read(folder: &Path, id: u32) -> Option<Process> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let parent = field("PPid:")?.parse().ok()?;
    let resident: f64 = field("VmRSS:")?.split_whitespace().next()?.parse().ok()?;
    let name = fs::read_link(folder.join("exe")).ok()?.file_name()?.to_str()?.to_owned();
    Some(Process { id, parent, name, cpu_ms: cpu_ms(folder)?, resident_mib: resident / 1024.0 })
}

/// Each thread has its own time; that of threads that ended is not among them.
fn cpu_ms(folder: &Path) -> Option<f64> {
    let threads = fs::read_dir(folder.join("task")).ok()?.flatten();
    let times = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    let nanoseconds: f64 = times.filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok()).sum();
    Some(nanoseconds / 1e6)
}
