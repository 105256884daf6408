package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	partBytes     = 128 << 10 // of an object, as in NATS's own client
	partsUnderWay = 32        // sent and not yet acknowledged, so that the server's queue never overflows
)

// Put stores what r yields under name. Readers see the old object or the new one; when
// r or the store fails the old one stays.
func (o *Objects) Put(ctx context.Context, name string, r io.Reader) error {
	if name == "" {
		return errors.New("storing an object: it needs a name")
	}
	info := &jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: partBytes}},
		Bucket:     o.name, NUID: rand.Text(),
	}
	if err := errors.Join(o.project.readOnly(), o.store.room()); err != nil {
		return fmt.Errorf("storing object %q: %w", name, err)
	}
	old, err := o.bucket.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		old, err = nil, nil
	}
	if err == nil {
		if err = o.upload(ctx, info, r); err != nil {
			o.purge(info.NUID)
		}
	}
	if err == nil {
		err = o.announce(ctx, info) // after an error it may have been stored: its parts stay
	}
	if err == nil {
		err = o.list.set(name, time.Now().UTC())
	}
	if err != nil {
		return fmt.Errorf("storing object %q: %w", name, o.store.failed(ctx, err))
	}
	if old != nil {
		o.purge(old.NUID)
	}
	return nil
}

// upload stores what r yields in parts, several under way at a time, and notes their
// number, size and digest in info.
func (o *Objects) upload(ctx context.Context, info *jetstream.ObjectInfo, r io.Reader) error {
	digest, part := sha256.New(), make([]byte, partBytes)
	var sent []jetstream.PubAckFuture
	for {
		n, err := io.ReadFull(r, part)
		if n > 0 {
			ack, err := o.send(part[:n], info.NUID)
			if err != nil {
				return err
			}
			digest.Write(part[:n])
			info.Chunks, info.Size, sent = info.Chunks+1, info.Size+uint64(n), append(sent, ack)
		}
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return err
		}
		for len(sent) > 0 && (last || len(sent) >= partsUnderWay) {
			if err := o.acknowledged(ctx, sent[0]); err != nil {
				return err
			}
			sent = sent[1:]
		}
		if last {
			info.Digest = "SHA-256=" + base64.URLEncoding.EncodeToString(digest.Sum(nil))
			return nil
		}
	}
}

func (o *Objects) send(part []byte, id string) (jetstream.PubAckFuture, error) {
	if err := o.store.room(); err != nil {
		return nil, err
	}
	return o.store.js.PublishMsgAsync(&nats.Msg{Subject: o.chunks(id), Data: part})
}

func (o *Objects) acknowledged(ctx context.Context, f jetstream.PubAckFuture) error {
	select {
	case ack := <-f.Ok():
		return o.store.guard.acknowledged("OBJ_"+o.name, ack.Sequence)
	case err := <-f.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// announce makes info the object of its name, in place of an earlier one.
func (o *Objects) announce(ctx context.Context, info *jetstream.ObjectInfo) error {
	body, err := json.Marshal(info)
	if err != nil {
		return err
	}
	m := nats.NewMsg("$O." + o.name + ".M." + base64.URLEncoding.EncodeToString([]byte(info.Name)))
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Data = body
	ack, err := o.store.js.PublishMsg(ctx, m)
	if err != nil {
		return err
	}
	return o.store.guard.acknowledged("OBJ_"+o.name, ack.Sequence)
}

// purge removes the parts of an object that is no more. If that fails they only take room.
func (o *Objects) purge(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), o.store.options.Timeout)
	defer cancel()
	if err := o.stream.Purge(ctx, jetstream.WithPurgeSubject(o.chunks(id))); err != nil {
		o.store.log.Warn("parts of an old object stay", "bucket", o.name, "error", err)
	}
}
