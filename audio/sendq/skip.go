package sendq

// Skip takes a sequence for a frame slot that carries nothing, such as one in
// announced silence. It is no drop and is not marked, unless the mark that
// announces it is dropped.
func (q *Queue) Skip() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	if q.length > 0 && q.at(q.length-1).Samples == 0 {
		q.at(q.length-1).skipped++
	}
}
