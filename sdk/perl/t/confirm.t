use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP    qw(decode_json encode_json);
use POSIX       ();
use Time::HiRes qw(sleep time);

use OrderedServers;
use Redis;
use RedisServer;
use Servers;
use Sioemit;
use Sioemit::Sent;
use Sioemit::State;

# Seconds, for calls whose time is to run out: what is not waited for comes in much less.
use constant SOON => 1.5;

my $redis = RedisServer->new;
my $admin = Redis->new(server => $redis->address);

sub failed {
    my ($call) = @_;
    my $done = eval { $call->(); 1 };
    return $done ? Sioemit::Error->new('none', 'it has not failed') : $@;
}

sub unconfirmed {
    my ($io, $why, $name) = @_;
    my $error = failed(sub { $io->confirm });
    is(ref $error && $error->reason, 'unconfirmed', $name);
    like("$error", $why, "$name: why");
    return $error;
}

subtest 'what may have been lost' => sub {

    # The first event was sent at 1,000 s by the clock here, ten seconds ago, and at 0.9 s past a full second by that of Redis.
    my $since = 1000;
    my $state = sub {
        my ($servers, %ages) = @_;
        return bless {
            run_id      => 'a',
            servers     => $servers,
            subscribers => \%ages,
            clock       => 500.9,
            seen        => $since + 10,
            },
            'Sioemit::State';
    };
    my $both  = $state->(2, a => 100, b => 100);
    my $other = $state->(2, a => 100, b => 100);
    $other->{run_id} = 'b';
    my $cut = qr/\Aa subscriber's connection to Redis was cut\z/;
    my $new = qr/\Aa subscriber connected to Redis at about the time of the first event, or after it\z/;
    for my $case (
        ['nothing has changed', $both, $both,                                                     qr/\A\z/],
        ['one more',            $both, $state->(3, a => 100, b => 100, c => 1),                   qr/\A\z/],
        ['one has gone',        $both, $state->(1, a => 100),                                     $cut],
        ['one was replaced',    $both, $state->(2, a => 100, c => 1),                             $cut],
        ['both were replaced',  $both, $state->(2, c => 1, d => 1),                               qr/\A2 subscribers/],
        ['one was replaced before the first event',  $both, $state->(2, a => 100, c => 12),       qr/\A\z/],
        ['one was replaced in that second',          $both, $state->(2, a => 100, c => 10),       $cut],
        ['one was replaced before, and one is away', $both, $state->(1, c => 12),                 qr/\A2 subscribers/],
        ['somebody who was none of them has gone',   $state->(2, a => 9, b => 9, c => 9), $both,  qr{\A\z}],
        ['another Redis',                            $both,                               $other, qr/started again\z/],
        ['first, and all were there before',         undef,                               $both,  qr/\A\z/],
        ['first, and one was not',                   undef, $state->(2, a => 100, b => 5),        $new],
        ['first, and one may not have been',         undef, $state->(2, a => 100, b => 10),       $new],
        ['first, and one was there just before',     undef, $state->(2, a => 100, b => 12),       qr/\A\z/],
        )
    {
        my ($name, $before, $after, $why) = @$case;
        like($after->interrupted($before, $since, 0), $why, $name);
    }
    is($state->(1, a => 0)->interrupted(undef, 0, 0), '', 'first, and nothing was sent');
    my $one = $state->(1, a => 100);
    is($one->interrupted($one, $since, 2),                           '', 'one was cut off, and is still away');
    is($state->(2, a => 100, b => 12)->interrupted($one, $since, 2), '', 'it came back before the first event');
    like($state->(2, a => 100, b => 1)->interrupted($one, $since, 2), qr/was cut off may have come back/,
        'or after it');
};

subtest 'who is missed' => sub {
    my $two = { servers => 2 };
    for my $case (
        ['nobody has looked before',   undef, 0, 1, 1, 0],
        ['all is well',                $two,  0, 2, 0, 0],
        ['one has ended',              $two,  0, 1, 0, 0],
        ['one was cut off',            $two,  0, 1, 1, 2],
        ['one was, behind its answer', $two,  0, 2, 1, 2],
        ['it is still away',           $two,  3, 1, 0, 3],
        ['nobody could look',          undef, 2, 1, 1, 2],
        ['both are back',              $two,  2, 2, 0, 0],
        )
    {
        my ($name, $state, $before, $servers, $interrupted, $missed) = @$case;
        is(Sioemit::Sent::missed({ state => $state, missed => $before }, $servers, $interrupted), $missed, $name);
    }
};

subtest 'CLIENT LIST of several versions of Redis' => sub {
    my $list = <<'LIST';
id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 fd=8 name= age=7 idle=0 flags=P db=0 sub=2 psub=1 ssub=0 multi=-1 cmd=psubscribe user=default lib-name=node-redis lib-ver=5.0.0
id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 fd=9 name= age=8 idle=0 flags=P db=0 sub=0 psub=0 ssub=2 multi=-1 cmd=ssubscribe
id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=0 psub=0 ssub=1 multi=-1 cmd=ssubscribe lib-name=ioredis
id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 fd=9 name= age=9 idle=0 flags=P db=0 sub=2 psub=1 ssub=2 multi=-1 cmd=ssubscribe lib-name=go-redis(,go1.26)
id=7 addr=127.0.0.1:8 fd=9 name=a=b age=10 idle=0 flags=P db=0 sub=2 psub=3 multi=-1 cmd=psubscribe
id=8 addr=127.0.0.1:9 age=-5 psub=1
id=9 addr=127.0.0.1:9 age=1 psub=
id=10 addr=127.0.0.1:9 name=sioemit-replies age=1 psub=1 ssub=3
what else it may say = psub ==
LIST
    is_deeply({ Sioemit::State::subscribers($list, psub => 1) },
        { '3 127.0.0.1:4 127.0.0.1:6379' => 7, '7 127.0.0.1:8 ' => 10, '8 127.0.0.1:9 ' => 0 }, 'patterns');
    is_deeply(
        { Sioemit::State::subscribers($list, ssub => 2) },
        { '4 127.0.0.1:5 127.0.0.1:6379' => 8 },
        'shard channels'
    );
};

subtest 'notes' => sub {
    my $window = sub { my ($sent, $namespace) = @_; return $sent->begin($namespace, "channel of $namespace") };
    my $entry  = sub { my ($sent, $namespace, $id) = @_; return $sent->note_entry([(undef) x 9, $namespace], $id) };

    my $sent = Sioemit::Sent->new;
    is($window->($sent, '/')->{since}, undef, 'nothing was sent');
    $sent->end(doubt => 'cut', missed => 0);
    is(Sioemit::Sent::doubt($window->($sent, '/')), '', 'which nothing can happen to');
    $sent->note('/');    # meanwhile
    $sent->end(doubt => 'cut', missed => 0);
    my $w = $window->($sent, '/');
    is(Sioemit::Sent::doubt($w), 'cut', 'what was sent while a confirmation went on that failed is in doubt');
    $sent->end(doubt => '', missed => 0);
    $sent->note('/');
    $w = $window->($sent, '/');
    is(Sioemit::Sent::doubt($w), '', 'and not what was sent later');
    ok($w->{since}, 'which was');

    $sent = Sioemit::Sent->new;
    $sent->note($_) for qw(/a /b);
    my $first = $sent->{first};
    for my $namespace (qw(/b /a /b)) {
        cmp_ok($window->($sent, $namespace)->{since},
            '<=', $first, "of several namespaces, $namespace counts from the first");
        $sent->end(doubt => '', missed => 0);
    }

    $sent = Sioemit::Sent->new;
    $sent->note('/');
    $sent->note_beside('channel of /');
    $entry->($sent, '/', '1-1');
    $w = $window->($sent, '/');
    $sent->note('/');
    $entry->($sent, '/', '2-1');
    my $again = $window->($sent, '/');
    is_deeply(
        [@$again{qw(since beside span)}],
        [@$w{qw(since beside)}, ['1-1', '2-1']],
        'what was not confirmed is asked about again, with what came since'
    );
    $entry->($sent, '/', '3-1');
    $sent->end(doubt => '', missed => 0);
    $w = $window->($sent, '/');
    is_deeply([@$w{qw(beside span)}], [undef, ['2-1', '3-1']], 'and not once it is');

    my %too_many = (
        'namespaces of streams' => sub { $entry->($_[0], $_[1], '1-1') },
        'channels beside them'  => sub { $_[0]->note_beside($_[1]) },
    );
    for my $name (sort keys %too_many) {
        $sent = Sioemit::Sent->new;
        for my $i (1 .. 1000) { $too_many{$name}->($sent, $i) for 1, 2 }
        is(Sioemit::Sent::doubt($window->($sent, '/')), '', "1,000 $name are kept");
        $too_many{$name}->($sent, 'one more');
        like(Sioemit::Sent::doubt($window->($sent, $_)), qr/more rooms or namespaces/, 'of more it is said')
            for qw(/ /b);
        $sent->end(state => undef, doubt => '', missed => 0);
        is(Sioemit::Sent::doubt($window->($sent, '/b')), '', 'once');
    }
};

# gone returns once nobody subscribes to a channel any more.
sub gone {
    my (@numsub) = @_;
    my $give_up = time + RedisServer::DEADLINE;
    while (($admin->pubsub(@numsub))[1]) {
        die "servers are still there\n" if time > $give_up;
        sleep 0.01;
    }
    return;
}

for my $class (qw(Redis Redis::Fast)) {
    next if !RedisServer::usable($class);
    my $connected = sub {
        my (%options) = @_;
        my $address   = delete $options{address} // $redis->address;
        my @again     = delete $options{again} ? (reconnect => 60, every => 1000) : ();
        my $login     = delete $options{login};
        my $connect   = sub { $class->new(server => $address, @again, $login ? (on_connect => $login) : ()) };
        return Sioemit->new($connect->(), %options, $class eq 'Redis' ? () : (connect => $connect))->timeout(60);
    };

    subtest "$class: servers that take things in order" => sub {
        $admin->flushall;
        my $servers = OrderedServers->new($redis, 2, 0.1);
        my $io      = $connected->();
        is($io->confirm, 2, 'all are there');
        $io->to('a')->emit('e') for 1 .. 3;
        is($io->to('b')->volatile->except('c')->confirm, 2, 'all have them');
        is($servers->taken,                              6, 'and not only soon');
        $io->pipeline(sub { my ($pipe) = @_; $pipe->of($_)->emit('e') for qw(/ /other /) });
        is($io->confirm,    2,  'all have those of a pipeline');
        is($servers->taken, 10, 'likewise');

        $io->emit('e');
        $servers->cut;
        $servers->wait_for_all;
        my $error =
            unconfirmed($io, qr/: a subscriber's connection to Redis was cut at \S+confirm\.t/, 'one was cut off');
        is($error->servers, 2, 'and is back');
        $io->emit('e');
        is($io->confirm, 2, 'the next one begins anew');

        $io->pipeline(sub { $_[0]->emit('e') });
        $servers->cut;
        $servers->wait_for_all;
        unconfirmed($io, qr/was cut/, 'the same of a pipeline');

        $io->emit('e');
        $servers->freeze;
        my $began = time;
        $error = failed(sub { $io->timeout(SOON)->confirm });
        cmp_ok(time - $began, '>=', SOON, 'it waits for one that hangs');
        is($error->message, 'confirm: 1 of 2 servers answered: time ran out', 'and says how many answered');
        is_deeply(
            [map { $error->$_ } qw(reason call servers asked partial)],
            ['incomplete', 'confirm', 1, 2, 1],
            'also in numbers'
        );

        {
            local $SIG{ALRM} = sub { die "the program has had enough\n" };
            alarm 1;
            is(failed(sub { $io->confirm }), "the program has had enough\n", 'a signal ends it');
        }
        {
            my $nested;
            local $SIG{ALRM} = sub {
                $nested = failed(sub { $io->confirm });
                $servers->thaw;
            };
            alarm 1;
            is($io->confirm,    2,             'the one that hung has them, too');
            is($nested->reason, 'unconfirmed', 'none can be within another one');
            like($nested, qr/another confirm/, 'which it says');
        }

        $io->emit('e');
        $servers->freeze;
        is(failed(sub { $io->timeout(SOON)->confirm })->reason, 'incomplete', 'one that hangs');
        $servers->cut for 1, 2;
        $servers->thaw;
        $servers->wait_for_all;
        unconfirmed($io, qr/2 subscribers' connections to Redis were cut/, 'and then is cut off');
    };

    subtest "$class: the first one" => sub {
        my $servers = OrderedServers->new($redis, 1);
        my $io      = $connected->();
        $io->emit('e');
        unconfirmed($io, qr/at about the time of the first event, or after it/, 'a server that may have come back');
        my $give_up = time + RedisServer::DEADLINE;
        my $error;
        do {
            my $later = $connected->();
            $later->emit('e');
            $error = failed(sub { $later->confirm });
        } while $error->reason eq 'unconfirmed' && time < $give_up;
        is($error->reason, 'none', 'one that was there before');
    };

    subtest "$class: nobody listens" => sub {
        my $io    = $connected->();
        my @heard = $redis->heard(
            'Redis',
            sub {
                is(failed(sub { $io->confirm })->reason, 'no-servers', 'no servers');
            }
        );
        is_deeply(\@heard, [], 'nothing is sent');
    };

    subtest "$class: what Redis does not allow" => sub {
        my $servers = OrderedServers->new($redis, 1);
        for my $command (qw(info client time)) {
            $admin->acl(SETUSER => 'emitter', qw(reset on >S3cr3t ~* &* +@all), "-$command");
            my $io = $connected->(login => sub { $_[0]->auth('emitter', 'S3cr3t') });
            is($io->confirm, 1, 'nothing was sent');
            $io->emit('e');
            my $name  = $command eq 'client' ? 'CLIENT LIST' : uc $command;
            my $error = unconfirmed($io, qr/cannot be known: $name: NOPERM /, "$command is refused");
            is($error->servers, 1, 'the server has answered');
        }
    };

    subtest "$class: a Redis that is started again" => sub {
        my $restarted = RedisServer->new;
        my $servers   = OrderedServers->new($restarted, 1);
        my $io        = $connected->(address => $restarted->address, again => 1);
        is($io->confirm, 1, 'a server');
        $io->emit('e');
        $restarted->restart;
        $servers->wait_for_all;
        unconfirmed($io, qr/a Redis node has gone, or was started again/, 'is back');
        $io->emit('e');
        is($io->confirm, 1, 'the next one begins anew');
        $io->emit('e');
        my $own = $io->{client}{redis}->client_id;
        Redis->new(server => $restarted->address)->client_kill(ID => $own);
        is($io->confirm, 1, 'the connection of the emitter matters to nothing');
    };

    subtest "$class: nothing is left behind" => sub {
        my $quiet   = RedisServer->new;
        my $servers = OrderedServers->new($quiet, 1);
        my $io      = $connected->(address => $quiet->address);
        my $watch   = Redis->new(server => $quiet->address);
        my $open    = sub {
            open my $lowest, '<', $0 or die $!;    # the first descriptor that is free
            my $free = fileno $lowest;
            close $lowest or die $!;
            my $clients = () = $watch->client_list =~ /^id=/gm;
            return "$free descriptors, $clients clients";
        };
        my $before = $open->();
        my $right  = 0;
        $right += $io->confirm for 1 .. 1000;
        is($right, 1000, '1,000 calls');
        my $give_up = time + RedisServer::DEADLINE;
        sleep 0.01 until $open->() eq $before || time > $give_up;    # Redis takes a moment to notice the last one
        is($open->(), $before, 'then there is as much open as before');
    };

    subtest "$class: the sharded adapter" => sub {
        my $uids = ['a', 'b'];
        my $two  = sub {
            gone(SHARDNUMSUB => 'socket.io#/#');
            my $answer = sub {
                my ($publisher, $message) = @_;
                my $question = decode_json($message);
                return if $question->{type} != 7;
                my $data = { requestId => $question->{data}{requestId}, sockets => [] };
                $publisher->spublish('socket.io#/#emitter#',
                    encode_json({ type => 8, uid => $_, nsp => '/', data => $data }))
                    for @$uids;
            };
            return Servers->new($redis->address, 2, [SSUBSCRIBE => 'socket.io#/#', 'socket.io#/#own#'], $answer);
        };
        my $servers = $two->();
        my $io      = $connected->(adapter => 'sharded');
        is($io->confirm, 2, 'all are there');
        $io->emit('e');
        is($io->confirm, 2, 'all have it');
        $io->emit('e');
        undef $servers;
        $uids    = ['a', 'listen-b'];
        $servers = $two->();
        my $error = unconfirmed($io, qr/2 subscribers' connections/, 'both are others');
        is($error->servers, 1, 'who only listens is none');
        undef $servers;
        $uids    = ['a', 'a'];
        $servers = $two->();
        is(
            failed(sub { $io->timeout(SOON)->confirm })->message,
            'confirm: 1 of 2 servers answered: time ran out',
            'one that says it twice'
        );
        undef $servers;
        $uids    = ['listen-a', 'listen-b'];
        $servers = $two->();
        is(failed(sub { $io->confirm })->reason, 'no-servers', 'nobody but listeners');
    };

    subtest "$class: the streams adapter" => sub {
        $admin->del('socket.io');
        my $client = $class->new(server => $redis->address);
        my $io     = Sioemit->new(
            $client,
            adapter => 'streams',
            max_len => 500,
            connect => sub { $class->new(server => $redis->address) }
        )->timeout(60);
        gone(NUMSUB => 'socket.io#/#');
        is(failed(sub { $io->confirm })->reason, 'no-servers', 'nobody reads it');
        my $server = reader(0);
        is($io->confirm, 1, 'one server');
        $io->emit('e');
        is($io->confirm, 1, 'which has the event');
        my @trimmed = (
            ['of an event', sub { $io->sockets_join('a') }],
            [
                'of a pipeline',
                sub {
                    $io->pipeline(sub { $_[0]->emit('e') });
                }
            ],
        );
        for my $case (@trimmed) {
            my ($name, $send) = @$case;
            $send->();
            $admin->xtrim('socket.io', MAXLEN => 0);
            unconfirmed($io, qr/an entry is no longer in the stream/, "an entry was trimmed: $name");
        }
        my @beside = (
            ['an event for servers', sub { $io->server_side_emit('e') }],
            [
                'the same in a pipeline',
                sub {
                    $io->pipeline(sub { $_[0]->server_side_emit('e') });
                }
            ],
            [
                'one that nobody has answered',
                sub {
                    failed(sub { $io->timeout(SOON)->emit_with_ack('unheard') });
                }
            ],
        );
        for my $case (@beside) {
            my ($name, $send) = @$case;
            $send->();
            unconfirmed($io, qr/goes beside the stream/, $name);
        }
        is($io->emit_with_ack('e')->{servers}, 1, 'one that all servers have answered');
        is($io->confirm,                       1, 'they have');
        $client->multi;
        $io->emit('e');
        $client->exec;
        unconfirmed($io, qr/within a transaction/, 'an event of a transaction');
        $io->of('/other')->emit('e');
        is($io->confirm, 1, 'the next one begins anew');
    };

    subtest "$class: the streams adapter before 0.3" => sub {
        gone(NUMSUB => 'socket.io#/#');
        $admin->del('socket.io');
        my $io     = $connected->(adapter => 'streams', max_len => 20);
        my $server = reader(1);
        $io->emit('e');
        is($io->confirm, 1, 'a server answers in the stream');
        is($io->confirm, 1, 'and again');
        kill STOP => $$server;
        $io->emit('e');
        is(
            failed(sub { $io->timeout(SOON)->confirm })->message,
            'confirm: 0 of 1 servers answered: time ran out',
            'or not'
        );
        kill CONT => $$server;
        is($io->confirm, 1, 'or later');
        my $new = $connected->(adapter => 'streams', max_len => 20);
        $new->emit('e') for 1 .. 200;
        $admin->xtrim('socket.io', MAXLEN => 20);
        unconfirmed($io, qr/holds no more than the last [0-9.]+ s/, 'a stream in which others may have been');
    };
}

subtest 'a client of a class of the program' => sub {
    my $servers = OrderedServers->new($redis, 2);
    my $client  = Counting->new(server => $redis->address, reconnect => 60, every => 1000);
    my $io      = Sioemit->new($client)->timeout(60);
    my $cut     = sub { $admin->client_kill(ID => $client->client_id) };
    is($io->confirm, 2, 'it can ask');
    my $taken = $servers->taken;
    for my $case (
        ['an event', sub { $io->emit('e') }],
        [
            'a pipeline',
            sub {
                $io->pipeline(sub { $_[0]->emit('e') });
            }
        ],
        )
    {
        my ($name, $send) = @$case;
        $cut->();
        $send->();
        $cut->();
        is($io->confirm, 2, "it has connected again before and behind $name, which has arrived");
    }
    is($servers->taken - $taken, 4, 'each once');
    is($client->{publishes},     5, 'by way of its own methods');
};

# reader makes a server that reads the stream. An old one subscribes to nothing, and answers there.
sub reader {
    my ($is_old) = @_;
    my $id = fork // die "fork: $!";
    if ($id) {
        my $there = sub { return $is_old ? $admin->xlen('socket.io') : ($admin->pubsub(NUMSUB => 'socket.io#/#'))[1] };
        my $give_up = time + RedisServer::DEADLINE;
        sleep 0.01 until $there->() || time > $give_up;
        return bless \$id, 'Reader';
    }
    eval { serve_stream($is_old) };
    POSIX::_exit(0);
}

sub serve_stream {
    my ($is_old)   = @_;
    my $subscriber = Redis->new(server => $redis->address);
    my $reader     = Redis->new(server => $redis->address);
    my $uid        = '0123456789abcdef';
    my $add        = sub { $reader->xadd('socket.io', '*', uid => $uid, nsp => '/', type => $_[0], data => $_[1]) };
    my $reply      = sub {
        my ($type, %data) = @_;
        my %message = (type => $type, uid => $uid, nsp => '/', data => \%data);
        $reader->publish('socket.io#/#emitter#', encode_json(\%message));
    };
    my $asked = sub {
        my ($message) = @_;
        return if $message =~ /unheard/;
        my $id = Sioemit::Decoder::MessagePack->decode($message)->{data}{requestId};
        $reply->(11, requestId => $id, clientCount => 0) if defined $id;
    };
    $is_old ? $add->(1, '') : $subscriber->subscribe('socket.io#/#', $asked);
    my $at = '0-0';
    while (getppid > 1) {
        $subscriber->wait_for_messages(0) if !$is_old;
        my ($read) = $reader->xread(BLOCK => 50, STREAMS => 'socket.io', $at);
        for my $entry ($read ? @{ $read->[1] } : ()) {
            ($at, my $words) = @$entry;
            my %entry = @$words;
            next if $entry{type} != 7;
            my %data = (requestId => decode_json($entry{data})->{requestId}, sockets => []);
            $is_old ? $add->(8, encode_json(\%data)) : $reply->(8, %data);
        }
    }
    return;
}

# Reader ends the process of a server.
package Reader;    ## no critic (RequireFilenameMatchesPackage)

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    kill KILL => $$self;
    waitpid $$self, 0;
    return;
}

# Counting is what programs make of a client.
package Counting;    ## no critic (RequireFilenameMatchesPackage)

use parent -norequire, 'Redis';

sub publish {
    my ($self, @words) = @_;
    $self->{publishes}++;
    return $self->SUPER::publish(@words);
}

package main;

done_testing;
