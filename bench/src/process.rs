//! What the kernel says of a proxy's process: CPU time to the nanosecond, memory. Not here: what the process is doing meanwhile.

use std::fs;

/// Nanoseconds on a CPU, over all threads that live.
pub(crate) fn cpu(pid: u32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let ran = |path: std::path::PathBuf| fs::read_to_string(path).ok()?.split(' ').next()?.parse::<u64>().ok();
    tasks.flatten().filter_map(|task| ran(task.path().join("schedstat"))).sum()
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// KiB of memory that is not a file's.
pub(crate) fn memory(pid: u32) -> u64 {
    status(pid, "RssAnon")
}

/// KiB that were resident at most since [`forget_peak`].
pub(crate) fn peak(pid: u32) -> u64 {
    status(pid, "VmHWM")
}

/// KiB that are resident, files' pages included: what a peak is held against.
pub(crate) fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS")
}

/// Lets the peak begin anew.
pub(crate) fn forget_peak(pid: u32) {
    // Where the kernel does not let us, the peak is that of the whole life: too large, never too small.
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
