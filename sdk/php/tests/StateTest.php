<?php

declare(strict_types=1);

namespace Sioemit\Tests;

use PHPUnit\Framework\TestCase;
use Sioemit\Classic;
use Sioemit\Node;
use Sioemit\Notes;
use Sioemit\Outcome;
use Sioemit\Question;
use Sioemit\Sent;
use Sioemit\Sharded;
use Sioemit\State;
use Sioemit\Streams;

/**
 * What a confirmation compares, and what it remembers.
 */
final class StateTest extends TestCase
{
    private const SECOND = 1_000_000_000;

    /** A time of here, and the same by the clock of Redis, which is a minute behind. */
    private const SEEN = 1000 * self::SECOND;
    private const CLOCK = 940 * self::SECOND + 900_000_000;
    private const SINCE = self::SEEN - 10 * self::SECOND;

    /**
     * @param array<string, int> $ages
     */
    private static function state(int $servers, array $ages, bool $isMaster = true, int $link = 1): State
    {
        return new State(['a' => new Node($isMaster, $ages, ['b' => $link], '', self::CLOCK, self::SEEN)], $servers);
    }

    /**
     * @return iterable<string, array{?State, State, ?int, string}>
     */
    public static function changes(): iterable
    {
        $both = self::state(2, ['x' => 100, 'y' => 100]);
        $one = self::state(1, ['x' => 100]);
        $replaced = fn (int $age) => self::state(2, ['x' => 100, 'z' => $age]);
        $now = 10 * self::SEEN;
        $cut = "a subscriber's connection to Redis was cut";
        yield 'nothing has changed' => [$both, $both, self::SINCE, ''];
        yield 'one more' => [$both, self::state(3, ['x' => 100, 'y' => 100, 'z' => 1]), self::SINCE, ''];
        yield 'one has gone' => [$both, $one, self::SINCE, $cut];
        yield 'one was replaced' => [$both, $replaced(1), self::SINCE, $cut];
        yield 'both were replaced' => [$both, self::state(2, ['z' => 1, 'w' => 1]), self::SINCE, '2 subscribers'];
        yield 'one was replaced before the first event' => [$both, $replaced(12), self::SINCE, ''];
        yield 'one was replaced in the second of the first event' => [$both, $replaced(10), self::SINCE, $cut];
        yield 'one was replaced, and one is away' => [$both, self::state(1, ['z' => 12]), self::SINCE, '2 subscribers'];
        yield 'one was replaced, and nothing was sent' => [$both, $replaced(12), null, $cut];
        yield 'somebody who was none of them has gone'
            => [self::state(2, ['x' => 100, 'y' => 100, 'z' => 100]), $both, self::SINCE, ''];
        yield 'another Redis' => [$both, new State(['b' => $both->nodes['a']], 2), self::SINCE, 'started again'];
        $slots = new Node(true, ['x' => 100, 'y' => 100], ['b' => 1], '0-16383 x', self::CLOCK, self::SEEN);
        yield 'a slot was moved' => [$both, new State(['a' => $slots], 2), self::SINCE, 'a slot of the Redis Cluster'];
        $replica = self::state(2, ['x' => 100, 'y' => 100], false);
        yield 'no master any more' => [$both, $replica, self::SINCE, 'no longer a master'];
        yield 'a new master' => [$replica, $both, self::SINCE, 'has become a master'];
        $linked = self::state(2, ['x' => 100, 'y' => 100], true, $now);
        yield 'a link was cut' => [$both, $linked, self::SINCE, 'bus was cut'];
        $linked = self::state(2, ['x' => 100, 'y' => 100], false, $now);
        yield 'a link of a replica was cut' => [$replica, $linked, self::SINCE, ''];

        yield 'first, and all were there before' => [null, $both, self::SINCE, ''];
        yield 'first, and one was not' => [null, self::state(2, ['x' => 100, 'y' => 5]), self::SINCE, 'at about the'];
        yield 'first, and one may not' => [null, self::state(2, ['x' => 100, 'y' => 10]), self::SINCE, 'at about the'];
        yield 'first, and one was just before' => [null, self::state(2, ['x' => 100, 'y' => 12]), self::SINCE, ''];
        $link = fn (int $seconds) => self::state(2, [], true, intdiv(self::CLOCK, 1_000_000) - 1000 * $seconds);
        yield 'first, and a link is new' => [null, $link(9), self::SINCE, 'bus was made'];
        yield 'first, and a link is old enough' => [null, $link(11), self::SINCE, ''];
        yield 'first, and nothing was sent' => [null, self::state(2, ['x' => 0]), null, ''];
    }

    /**
     * @dataProvider changes
     */
    public function testInterrupted(?State $before, State $after, ?int $since, string $why): void
    {
        $got = $after->interrupted($before, $since, false);
        $why === '' ? self::assertSame('', $got) : self::assertStringContainsString($why, $got);
    }

    public function testOneThatWasCutOffComesBack(): void
    {
        $one = self::state(1, ['x' => 100]);
        $back = fn (int $age) => self::state(2, ['x' => 100, 'y' => $age])->interrupted($one, self::SINCE, true);
        self::assertStringContainsString('may have come back after the first event', $back(1));
        self::assertSame('', $back(12));
        self::assertSame('', $one->interrupted($one, self::SINCE, true));
    }

    public function testMissed(): void
    {
        $two = new Outcome(self::state(2, []));
        $away = new Outcome(self::state(1, []), missed: 2);
        foreach (
            [
                'nobody has looked before' => [new Outcome(), true, 1, 0],
                'all is well' => [$two, false, 2, 0],
                'one has ended' => [$two, false, 1, 0],
                'one was cut off' => [$two, true, 1, 2],
                'one was cut off behind its answer' => [$two, true, 2, 2],
                'it is still away' => [$away, false, 1, 2],
                'nobody could look' => [new Outcome(missed: 2), true, 1, 2],
                'the other one is cut off, too' => [$away, true, 1, 2],
                'both are back' => [$away, false, 2, 0],
            ] as $name => [$last, $interrupted, $servers, $missed]
        ) {
            self::assertSame($missed, $last->missedNow($servers, $interrupted), $name);
        }
    }

    /**
     * CLIENT LIST of several versions of Redis.
     */
    public function testSubscribers(): void
    {
        $at = 'laddr=127.0.0.1:6379 fd=8';
        $list = <<<LIST
            id=3 addr=127.0.0.1:4 $at name= age=7 sub=2 psub=1 ssub=0 multi=-1 cmd=psubscribe lib-name=node-redis
            id=4 addr=127.0.0.1:5 $at name= age=8 sub=0 psub=0 ssub=2 multi=-1 cmd=ssubscribe
            id=5 addr=127.0.0.1:6 $at name= age=9 sub=0 psub=0 ssub=1 multi=-1 cmd=ssubscribe lib-name=ioredis
            id=6 addr=127.0.0.1:7 $at name= age=9 sub=2 psub=1 ssub=2 multi=-1 lib-name=go-redis(,go1.26)
            id=7 addr=127.0.0.1:8 fd=9 name=no\\x20name=x age=10 sub=2 psub=3 multi=-1 cmd=psubscribe
            id=9 addr=127.0.0.1:3 $at name= age=-7 sub=2 psub=1 ssub=0
            id=8 addr=127.0.0.1:9 $at name=sioemit-replies age=9 sub=0 psub=0 ssub=1 multi=-1 cmd=ssubscribe

            LIST;
        $found = function (string $field, bool $inCluster) use ($list): array {
            $all = State::subscribers($list, $field, $inCluster);
            return array_combine(array_map(intval(...), array_keys($all)), $all);
        };
        self::assertSame([3 => 7, 7 => 10, 9 => 0], $found('psub', false));
        self::assertSame([4 => 8, 7 => 10], $found('ssub', false)); // of 7, Redis does not say
        self::assertSame([4 => 8, 5 => 9, 7 => 10], $found('ssub', true));
        self::assertSame([], State::subscribers('', 'psub', false));
    }

    public function testEntriesOfAnyOrder(): void
    {
        $notes = new Notes(1);
        array_map($notes->addEntry(...), ['10-1', '9-5', '10-0', '10-10', '10-9']);
        self::assertSame(['9-5', '10-10'], [$notes->first, $notes->last]);
    }

    /**
     * What is sent while a confirmation goes on belongs to the next one, and neither may say that it has arrived when
     * the first one finds a connection cut.
     */
    public function testSentMeanwhile(): void
    {
        $sent = new Sent(new Streams(), false);
        $note = fn (int $since, string $id) => $sent->note('/', $since, ['XADD', 's'], $id);
        $note($sent->since('/'), '1-1');
        $began = hrtime(true);
        $first = $sent->begin('/');
        $note($since = $sent->since('/'), '2-1');
        $sent->restore('/', $first);
        $both = $sent->begin('/');
        self::assertSame(['1-1', '2-1', ''], [$both->first, $both->last, $both->doubt]);
        self::assertLessThan($since, $both->since);
        $note($sent->since('/'), '3-1');
        $sent->end('/', new Outcome(doubt: 'cut', began: $began, ended: hrtime(true)));
        self::assertSame('cut', $sent->begin('/')->doubt);
        self::assertNull($sent->begin('/'));
        $note($sent->since('/'), '4-1');
        self::assertSame('', $sent->begin('/')->doubt);
    }

    /**
     * More rooms and namespaces than are kept.
     */
    public function testTooMany(): void
    {
        $rooms = new Sent(new Sharded(), true);
        $note = fn (int $i) => $rooms->note('/', $rooms->since('/'), ['SPUBLISH', "room $i"], 0);
        array_map($note, [...range(1, 1000), 5]);
        $notes = $rooms->begin('/');
        self::assertSame(['', 1000], [$notes->doubt, count($notes->channels())]);
        $rooms->restore('/', $notes);
        $note(1001);
        self::assertSame(Sent::TOO_MANY, $rooms->begin('/')->doubt);

        $namespaces = new Sent(new Classic('socket.io', false, false), false);
        $note = fn (int $i) => $namespaces->note("/$i", $namespaces->since("/$i"), ['PUBLISH', 'x'], 0);
        array_map($note, range(1, 1000));
        self::assertNull($namespaces->begin('/1001'));
        self::assertSame('', $namespaces->begin('/1')->doubt);
        $note(1);
        $note(1001); // of which there is no note
        $began = hrtime(true);
        self::assertSame(Sent::TOO_MANY, $namespaces->begin('/1001')->doubt);
        self::assertSame(Sent::TOO_MANY, $namespaces->begin('/2000')->doubt);
        $namespaces->end('/1001', new Outcome(began: $began, ended: hrtime(true)));
        self::assertNull($namespaces->begin('/1001'));
    }

    /**
     * Of an entry that Redis has not told it cannot be seen whether it is still there.
     */
    public function testUnknownEntries(): void
    {
        foreach ([true, 'QUEUED', new \stdClass()] as $reply) {
            $sent = new Sent(new Streams(), false);
            $sent->note('/', 1, ['XADD', 's'], $reply);
            self::assertStringContainsString('not known which entries', $sent->begin('/')->doubt);
        }
        $sent->noteAll(['/'], 1, [['XADD', 's']], null);
        self::assertStringContainsString('not known which entries', $sent->begin('/')->doubt);
        $sent->note('/', 1, ['PUBLISH', 'x'], 1);
        self::assertStringContainsString('beside the stream', $sent->begin('/')->doubt);
        $sent->noteQuestion('/', 1, ['PUBLISH', 'x'], new Question('serverSideEmitWithAck'));
        self::assertStringContainsString('beside the stream', $sent->begin('/')->doubt);
        $sent->noteQuestion('/', 1, ['PUBLISH', 'x'], new Question('emitWithAck'));
        $sent->noteQuestion('/', 1, ['PUBLISH', 'x'], new Question('fetchSockets'));
        self::assertNull($sent->begin('/'));
        $sent = new Sent(new Sharded(), false);
        $sent->noteQuestion('/', 1, ['SPUBLISH', 'x'], new Question('emitWithAck'));
        self::assertNotNull($sent->begin('/'));
    }
}
