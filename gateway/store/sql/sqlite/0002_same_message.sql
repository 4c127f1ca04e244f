-- A message is found by its content, however many others its sender gave the same number.
CREATE INDEX journal_fingerprint ON journal (link, fingerprint, sequence);
