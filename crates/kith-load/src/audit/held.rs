//! What one client holds of a thread: a bit for each seq and a hash over the order of arrival.

/// A client's memory of a log that is cheap enough to keep for thousands of clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    bits: Vec<u64>,
    count: u64,
    last: u64,
    rolling: u64,
    /// Seqs that came a second time.
    pub doubles: Vec<u64>,
    /// Seqs that came after a later one.
    pub late: Vec<u64>,
}

impl Held {
    /// Takes an entry in.
    pub fn take(&mut self, seq: u64, hash: u64) {
        if self.has(seq) {
            self.doubles.push(seq);
            return;
        }
        if seq < self.last {
            self.late.push(seq);
        }
        self.set(seq);
        self.last = seq;
        self.count += 1;
        self.rolling = rolled(self.rolling, seq, hash);
    }

    /// Whether an entry is held.
    pub fn has(&self, seq: u64) -> bool {
        let (word, bit) = place(seq);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// The entry taken last; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// How many are held.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The hash over everything held, in its order.
    pub fn rolling(&self) -> u64 {
        self.rolling
    }

    /// Every seq that is held, ascending.
    pub fn seqs(&self) -> impl Iterator<Item = u64> {
        let words = self.bits.iter().enumerate();
        words.flat_map(|(word, bits)| {
            let first = word as u64 * 64;
            (0..64)
                .filter(move |bit| bits >> bit & 1 == 1)
                .map(move |bit| first + bit)
        })
    }

    fn set(&mut self, seq: u64) {
        let (word, bit) = place(seq);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= bit;
    }
}

fn place(seq: u64) -> (usize, u64) {
    ((seq / 64) as usize, 1 << (seq % 64))
}

/// Order matters: the same entries in another order give another hash.
fn rolled(rolling: u64, seq: u64, hash: u64) -> u64 {
    (rolling.rotate_left(7) ^ seq ^ hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(seqs: &[u64]) -> Held {
        let mut held = Held::default();
        for &seq in seqs {
            held.take(seq, seq * 31);
        }
        held
    }

    #[test]
    fn a_double_is_noticed_and_not_counted() {
        let held = held(&[1, 2, 2, 3]);
        assert_eq!((held.count(), &held.doubles[..]), (3, &[2][..]));
    }

    #[test]
    fn another_order_gives_another_hash() {
        assert_ne!(held(&[1, 2, 3]).rolling(), held(&[1, 3, 2]).rolling());
        assert_eq!(held(&[1, 3, 2]).late, [2]);
    }

    #[test]
    fn all_that_was_taken_is_held() {
        let seqs = [1, 63, 64, 65, 128, 4096];
        assert_eq!(held(&seqs).seqs().collect::<Vec<_>>(), seqs);
    }
}
