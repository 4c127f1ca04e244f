//! Is a folder on a network file system? There, neither locks nor write-ahead logs can be relied on.
//!
//! Linux tells by `/proc/self/mountinfo` (proc(5)); where that cannot be read, nothing is claimed.

use std::path::{Path, PathBuf};

/// File system types that live on another machine.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "beegfs",
    "fuse.sshfs",
    "fuse.s3fs",
];

/// The network file system that holds the folder, if one does.
pub(crate) fn network_file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    network_in(&std::fs::read_to_string("/proc/self/mountinfo").ok()?, &folder)
}

/// By the deepest mount point that leads to the folder.
fn network_in(mountinfo: &str, folder: &Path) -> Option<String> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = PathBuf::from(unescape(before.split(' ').nth(4)?));
        Some((point, after.split(' ').next()?))
    });
    let holding = mounts.filter(|(point, _)| folder.starts_with(point));
    // Of two mounts on one point, the later one is in force.
    let (_, kind) = holding.max_by_key(|(point, _)| point.components().count())?;
    NETWORK.contains(&kind).then(|| kind.to_owned())
}

/// Blanks and backslashes are written as three octal digits.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n\
        40 22 0:40 / /srv/my\\040share rw - nfs4 host:/export rw\n\
        41 40 0:41 / /srv/my\\040share/local rw master:1 - xfs /dev/vdb rw\n";

    #[test]
    fn the_deepest_mount_decides() {
        let on = |path: &str| network_in(MOUNTS, Path::new(path));
        assert_eq!(on("/var/lib"), None);
        assert_eq!(on("/srv/my share/data").as_deref(), Some("nfs4"));
        assert_eq!(on("/srv/my share/local/data"), None);
        assert_eq!(on("/srv/my shares"), None);
    }
}
