//! A file of the ring, as it may lie on a damaged disk; see [`super::super::fuzz`].

use super::super::batch;
use super::{record, segment};

/// Reads bytes as at a start, then as the rows of a record whose checksum holds: those must come back as they
/// are, and with a byte of them changed not at all.
pub(in super::super) fn segment(bytes: &[u8]) {
    let run = segment::run(bytes);
    assert_eq!(segment::records(bytes).count() == 0, run.is_none());
    for record in segment::records(bytes) {
        let _ = record.batch();
    }
    let _ = segment::stray(bytes, run, 0);

    let Some(changes) = batch::decode(bytes) else {
        return;
    };
    let (mut again, mut written) = (Vec::new(), Vec::new());
    batch::encode(&changes, &mut again);
    assert_eq!(
        again, bytes,
        "rows are written in another way than they are read"
    );
    record::write(1, &changes, &mut written);
    let read = record::read(&written, 0).and_then(record::Record::batch);
    assert_eq!(read.map(|batch| batch.changes), Some(changes));
    if let Some(last) = bytes.len().checked_sub(1) {
        written[record::HEAD_BYTES + last] ^= 1;
        assert!(
            record::read(&written, 0).is_none(),
            "a changed byte is not seen"
        );
    }
}
