use strict;
use warnings;
use utf8;
no if $] >= 5.035, warnings => 'experimental::builtin';

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp       ();
use IO::Socket::UNIX ();
use JSON::PP         qw(decode_json encode_json);
use POSIX            ();
use Time::HiRes      qw(alarm sleep time);

use Proxy;
use Redis;
use RedisServer;
use Servers;
use Sioemit              qw(bin);
use Sioemit::MessagePack ();

# Seconds, for calls whose time is to run out: what is not waited for comes in much less.
use constant SOON => 1.5;

# The shapes of answers are compared in the conformance suite. Here are the connections.

my $redis = RedisServer->new;
my $admin = Redis->new(server => $redis->address);

sub failed {
    my ($call) = @_;
    my $done = eval { $call->(); 1 };
    return $done ? Sioemit::Error->new('none', 'it has not failed') : $@;
}

# servers makes servers of the classic adapter. The sub gets a request, and returns what they answer.
sub servers {
    my ($n, $answers, $address) = @_;
    my $answer = sub {
        my ($publisher, $request) = @_;
        my $question = $request =~ /\A\{/ ? decode_json($request) : {};
        $publisher->publish('socket.io-response#/#', ref ? encode_json($_) : $_) for $answers->($question, $publisher);
    };
    return Servers->new($address // $redis->address, $n, [SUBSCRIBE => 'socket.io-request#/#'], $answer);
}

# rooms_of answers a request for rooms.
sub rooms_of {
    my (@rooms) = @_;
    return sub { return { requestId => $_[0]{requestId}, rooms => \@rooms } };
}

for my $class (qw(Redis Redis::Fast)) {
    next if !RedisServer::usable($class);
    my $connected = sub {
        my ($address, @options) = @_;
        my $connect = sub { $class->new(server => $address, @options) };
        return Sioemit->new($connect->(), $class eq 'Redis' ? () : (connect => $connect));
    };

    subtest "$class: what comes back" => sub {
        my $servers = servers(
            2,
            sub {
                my ($question) = @_;
                my %reply      = (requestId => $question->{requestId});
                my $ack        = Sioemit::MessagePack->new;
                $ack->value({ %reply, type => 9, packet => { photo => bin("\xff\x00"), name => 'Ada ☃' } }, 0);
                my %answers = (
                    7 => [
                        { %reply, requestId => 'x' x 40, type        => 9, packet => 'of another question' },
                        { %reply, type      => 9,        packet      => undef },    # before the count
                        { %reply, type      => 8,        clientCount => 2 },
                        '{"requestId":"' . $question->{requestId} . '","type":8,"clientC',
                        { %reply, type => 8, clientCount => 0 },
                        $ack->bytes,
                        { %reply, type => 9, packet => 'too much' },
                    ],
                    5 => [
                        map {
                            { %reply, sockets => $_ }
                        } [{ id => 's1', rooms => ['s1', 5], data => [1.5], handshake => {} }],
                        [{ id => 's1', rooms => [] }],
                        []
                    ],
                    1 => [
                        map {
                            { %reply, rooms => $_ }
                        } ['b', 5, undef],
                        ['b', 5, undef],
                        ['a', 'b']
                    ],
                    6 => [
                        map {
                            { %reply, type => 6, data => $_ }
                        } 1,
                        { type => 'Buffer', data => [1, 2] }
                    ],
                );
                return @{ $answers{ $question->{type} } };
            }
        );
        my $io = $connected->($redis->address);
        is_deeply(
            $io->emit_with_ack('e'),
            {
                values     => [undef, { photo => bin("\xff\x00"), name => 'Ada ☃' }],
                clients    => 2,
                per_server => [2, 0],
                servers    => 2
            },
            'acknowledgements'
        );
        is_deeply(
            [$io->fetch_sockets],
            [{ id => 's1', rooms => ['s1', 5], data => [1.5], handshake => {} }],
            'sockets, each once'
        );
        my $room = ($io->fetch_sockets)[0]{rooms}[1];
        ok(Sioemit::Encoder::is_number($room), 'a room that is a number is one');
        is_deeply([$io->rooms],                          ['a', 'b'],             'rooms that are text, sorted');
        is_deeply([$io->server_side_emit_with_ack('e')], [1,   bin("\x01\x02")], 'answers of servers');
    };

    subtest "$class: not everyone answers" => sub {
        my $servers = servers(
            2,
            sub {
                my %reply = (requestId => $_[0]{requestId});
                return (
                    { %reply, type => 8, clientCount => 1 },
                    { %reply, type => 8, clientCount => -1 },
                    '{"requestId":"' . $reply{requestId} . '","type":9,"packet":' . ('[' x 1001) . (']' x 1001) . '}',
                );
            }
        );
        my $io    = $connected->($redis->address)->timeout(SOON);
        my $began = time;
        my $error = failed(sub { $io->emit_with_ack('e') });
        cmp_ok(time - $began, '>=', SOON, 'it waits');
        is($error->reason, 'incomplete', 'the reason');
        is($error->message,
            'emit_with_ack: 1 of 2 servers answered, and 0 of 1 clients; 2 more could not be read: time ran out',
            'the message');
        is_deeply($error->partial, { values => [], clients => 1, per_server => [1], servers => 2 }, 'what came');
        is_deeply(
            [map { $error->$_ } qw(call servers asked clients expected unread needs)],
            ['emit_with_ack', 1, 2, 0, 1, 2, ''],
            'the numbers'
        );
        like("$error", qr/ at \S+ask\.t line \d+/, 'the line of the caller');
        $error = failed(sub { $io->fetch_sockets });
        is_deeply($error->partial, [], 'nothing came');
        is(
            $error->needs,
            'socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later',
            'because the servers may be too old'
        );
    };

    subtest "$class: binary for servers" => sub {
        my $new = servers(1,
            sub { return $_[0]{type} ? { type => 8, requestId => $_[0]{requestId}, clientCount => 0 } : () });
        my $io    = $connected->($redis->address)->timeout(SOON);
        my @heard = $redis->heard('Redis', sub { $io->timeout(60)->server_side_emit('e', bin("\xff")) });
        like(
            $heard[-1][1],
            qr/\A\x83\xa3uid\xa7emitter\xa4type\x06\xa4data\x92\xa1e\xc4\x01\xff\z/,
            'is sent to new ones'
        );
        undef $new;
        my $old = servers(1, sub { return });
        my $error;
        @heard = $redis->heard(
            'Redis',
            sub {
                $error = failed(sub { $io->server_side_emit_with_ack('e', bin("\xff")) });
            }
        );
        is($error->reason, 'incomplete', 'old ones do not answer');
        like($error->message, qr/; the binary was not sent/, 'and it is not sent');
        is_deeply($error->partial, [], 'nothing came');
        is(scalar @heard, 1, 'they were asked');
        unlike($heard[0][1], qr/\xff/, 'without binary');
        $error = failed(sub { $io->server_side_emit('e', bin("\xff")) });
        like(
            $error->message,
            qr/\Aserver_side_emit: 0 of 1 servers answered;.* 7\.2 .*; the binary was not sent/,
            'nor without answers'
        );
        is($error->partial, undef, 'of which there are none');
    };

    subtest "$class: nobody listens" => sub {
        my $io = $connected->($redis->address)->timeout(60);
        my @errors;
        my @heard = $redis->heard(
            'Redis',
            sub {
                @errors =
                    map { failed($_)->reason } sub { $io->emit_with_ack('e') }, sub { $io->fetch_sockets },
                    sub { $io->rooms },
                    sub { $io->server_side_emit_with_ack('e') };
            }
        );
        is_deeply(\@errors, [('no-servers') x 4], 'no servers');
        is_deeply(\@heard,  [],                   'nothing is sent');
    };

    subtest "$class: a question is asked once" => sub {
        my $servers = servers(1, rooms_of('a'));
        my $proxy   = Proxy->new(
            $redis->address,
            client => sub {
                my ($bytes, $to) = @_;
                my $stays = Proxy::pass($bytes, $to);
                return $stays if $bytes !~ /\$7\r\npublish\r\n/i;
                sysread $to, $bytes, 100;    # Redis has taken it
                return 0;
            }
        );
        for my $reconnect (0, 5) {
            my $io = $connected->($proxy->address, reconnect => $reconnect, every => 10_000);
            my $error;
            my @heard = $redis->heard(
                'Redis',
                sub {
                    $error = failed(sub { $io->timeout(60)->emit_with_ack('e') });
                }
            );
            is($error->reason,                               'maybe-asked', "reconnect $reconnect: nobody knows");
            is(scalar(grep { $_->[0] =~ /request/ } @heard), 1,             'it is asked once');
        }
        my $io = $connected->($proxy->address, reconnect => 5, every => 10_000);
        my $error;
        my @heard = $redis->heard(
            'Redis',
            sub {
                $error = failed(sub { $io->timeout(60)->rooms });
            }
        );
        is($error->reason, 'maybe-asked', 'what changes nothing');
        my %ids = map { decode_json($_->[1])->{requestId} => 1 } grep { $_->[0] =~ /request/ } @heard;
        is(scalar keys %ids, 4, 'is asked four times, with an id each');
        my $redis_again = failed(sub { $io->server_count })->reason;
        is($redis_again, 'none', 'the client connects again as before');
    };

    subtest "$class: the connection for replies ends" => sub {
        my $calls   = 0;
        my $servers = servers(
            1,
            sub {
                my ($question, $publisher) = @_;
                return rooms_of('a')->($question) if $calls++;
                my ($id) = grep { $_ } map { /\bid=(\d+) .*\bsub=2 / } split /\n/, $publisher->client_list;
                $publisher->client_kill(ID => $id);
                return;
            }
        );
        my $io = $connected->($redis->address)->timeout(60);
        is(failed(sub { $io->rooms })->reason, 'subscription', 'which is said at once');
        is_deeply([$io->rooms], ['a'], 'the next call has another one');
    };

    subtest "$class: a signal of the program" => sub {
        my $servers = servers(1, sub { return });
        my $io      = $connected->($redis->address)->timeout(60);
        local $SIG{ALRM} = sub { die "the program has had enough\n" };
        alarm 1;
        is(failed(sub { $io->rooms }), "the program has had enough\n", 'ends the call');
        undef $servers;
        $servers = servers(1, rooms_of('a'));
        is_deeply([$io->rooms], ['a'], 'the next call is as ever');
    };

    subtest "$class: a signal of the program while Redis hangs" => sub {
        my $hangs   = RedisServer->new;
        my $connect = sub { $class->new(server => $hangs->address) };
        my $client  = $connect->();
        my $io      = Sioemit->new($client, $class eq 'Redis' ? () : (connect => $connect));
        $client->set(key => 'its value');
        my %calls = (
            'an emit'    => sub { $io->emit('e') },
            'a pipeline' => sub {
                $io->pipeline(sub { my ($pipe) = @_; $pipe->emit('e') for 1 .. 3 });
            },
            'a count of servers' => sub { $io->server_count },
            'a question'         => sub { $io->rooms },
            'a confirmation'     => sub { $io->confirm },
        );
        my @noted;
        local $SIG{__DIE__} = sub { push @noted, $_[0] };
        for my $name (sort keys %calls) {
            local $SIG{ALRM} = sub {
                eval { die "this is caught\n" };
                die "the program has had enough\n";
            };
            $hangs->freeze;
            is(failed(sub { alarm 0.3; $calls{$name}->() }), "the program has had enough\n", "ends $name");
            $hangs->thaw;
            is($client->get('key'), 'its value', 'and answers are those to the next commands');
        }
        is($noted[-1], "the program has had enough\n", 'what the program does with what dies is done');
        local $SIG{__DIE__} = 'DEFAULT';
        local $SIG{ALRM}    = sub {
            eval { die "this is caught\n" };
            $hangs->thaw;
        };
        $hangs->freeze;
        is(failed(sub { alarm 0.3; $calls{'an emit'}->() })->reason, 'none', 'a signal that does not die ends nothing');
        is($client->get('key'),                                      'its value', 'likewise');
    };

    subtest "$class: a reply that stalls" => sub {
        my $stalled = 0;
        my $text    = 'é' x 500_000;
        my $servers = servers(1, sub { return { type => 6, requestId => $_[0]{requestId}, data => $text } });
        my $proxy   = Proxy->new(
            $redis->address,
            redis => sub {
                my ($bytes, $to) = @_;
                my $stays = 1;
                if (length $bytes > 10_000 && !$stalled++) {
                    $stays = Proxy::pass(substr($bytes, 0, 5_000, ''), $to);
                    sleep 0.7;    # longer than the client would wait
                }
                return $stays && Proxy::pass($bytes, $to);
            }
        );
        my $io = $connected->($proxy->address, read_timeout => 0.3)->timeout(60);
        my ($answer) = $io->server_side_emit_with_ack('e');
        ok($answer eq $text, 'arrives whole');
    };

    subtest "$class: nothing is left behind" => sub {
        my $quiet   = RedisServer->new;
        my $servers = servers(1, rooms_of('a'), $quiet->address);
        my $io      = $connected->($quiet->address);
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
        $right += ($io->rooms)[0] eq 'a' for 1 .. 1000;
        is($right, 1000, '1000 calls');
        my $give_up = time + RedisServer::DEADLINE;
        sleep 0.01 until $open->() eq $before || time > $give_up;    # Redis takes a moment to notice the last one
        is($open->(), $before, 'then there is as much open as before');
    };

    subtest "$class: in a child" => sub {
        my $servers = servers(1, rooms_of('a'));
        my $io      = $connected->($redis->address);
        pipe my $in, my $out or die $!;
        my $pid = fork // die $!;
        if (!$pid) {
            my $own = $class eq 'Redis' ? $io : $connected->($redis->address);    # as its documentation says
            print {$out} eval { join ',', $own->rooms } // $@;
            close $out or die $!;
            POSIX::_exit(0);
        }
        close $out or die $!;
        is_deeply([$io->rooms], ['a'], 'the parent asks');
        is(scalar readline $in, 'a', 'and the child');
        waitpid $pid, 0;
    };
}

subtest 'the settings of a Redis' => sub {
    my $folder = File::Temp->newdir;
    my $socket = "$folder/redis";
    my $guarded =
        RedisServer->new('--unixsocket', $socket, qw(--requirepass S3cr3t --user emitter on >S3cr3t ~* &* +@all));
    my $give_up = time + RedisServer::DEADLINE;
    until (IO::Socket::UNIX->new(Peer => $socket)) {    # it listens there a moment after it does at its port
        die "redis-server does not listen at $socket\n" if time > $give_up;
        sleep 0.01;
    }
    my $login    = sub { $_[0]->auth('S3cr3t') };
    my $answer   = rooms_of('a');
    my $channels = [SUBSCRIBE => 'socket.io-request#/#'];
    local $ENV{REDIS_SERVER} = undef;
    my $servers = Servers->new(
        $socket, 1,
        $channels,
        sub {
            my ($publisher, $request) = @_;
            $publisher->publish('socket.io-response#/#', encode_json($answer->(decode_json($request))));
        },
        sub { Redis->new(sock => $socket, on_connect => $login) }
    );
    my %settings = (
        'a password'   => [server => $guarded->address, password => 'S3cr3t'],
        'a user'       => [server => $guarded->address, username => 'emitter', password => 'S3cr3t', name => 'emitter'],
        'what logs in' => [server => $guarded->address, on_connect => $login],
        'a unix socket'   => [sock   => $socket, password => 'S3cr3t', reconnect => 5],
        'its own timeout' => [server => $guarded->address, password => 'S3cr3t', read_timeout => 1, cnx_timeout => 1],
    );
    for my $name (sort keys %settings) {
        my $client = Redis->new(@{ $settings{$name} });
        $client->select(3);
        is_deeply([Sioemit->new($client)->rooms], ['a'], $name);
        is($client->dbsize, 0, 'the client goes on');
    }
};

subtest 'clients that cannot ask' => sub {
    my $servers = servers(1, rooms_of('a'));
    my $refuses = sub {
        my ($reason, $like, $name, @new) = @_;
        my $error = failed(sub { Sioemit->new(@new)->timeout(60)->rooms });
        is($error->reason, $reason, "$name: the reason");
        like($error->message, $like, "$name: the message");
    };
    my $address = $redis->address;
    my $client  = Redis->new(server => $address);
    $refuses->('adapter-option', qr/a sub/, 'connect that is none', $client, connect => $client);
    $refuses->(
        'subscription',
        qr/has not returned/,
        'connect that returns the same',
        $client, connect => sub { $client }
    );
    $refuses->('subscription',   qr/has not returned/, 'or nothing', $client, connect => sub { });
    $refuses->('subscription',   qr/\Aout of luck/,    'or fails',   $client, connect => sub { die "out of luck\n" });
    $refuses->('adapter-option', qr/a Redis or a Redis::F/, 'a wrapper', bless({}, 'Wrapper'));
    is_deeply([Sioemit->new($client, connect => sub { Redis->new(server => $address) })->rooms],
        ['a'], 'a connect that does');

    if (RedisServer::usable('Redis::Fast')) {
        my $fast = Redis::Fast->new(server => $address);
        $refuses->(
            'adapter-option',
            qr/Redis::Fast does not show how it connects.*option connect/,
            'a Redis::Fast', $fast
        );
    }

    my $node = RedisServer->new(qw(--cluster-enabled yes --cluster-port), RedisServer::free_port());
    $refuses->('redis', qr/a node of a Redis Cluster/, 'a node', Redis->new(server => $node->address));
};

subtest 'refused' => sub {
    my $io    = Sioemit->new($admin);
    my @calls = (
        sub { $_[0]->emit_with_ack('e') },
        sub { $_[0]->fetch_sockets },
        sub { $_[0]->rooms },
        sub { $_[0]->confirm },
        sub { $_[0]->server_side_emit_with_ack('e') }
    );
    my @heard = $redis->heard(
        'Redis',
        sub {
            for my $call (@calls) {
                is(failed(sub { $io->pipeline($call) })->reason, 'pipelined', 'in a pipeline');
                is(failed(sub { $call->(Sioemit->new($admin, server_version => 3)) })->reason,
                    'needs-version-4', 'before 4');
                is(failed(sub { $call->(Sioemit->new($admin, adapter => 'python')) })->reason,
                    'no-counterpart', 'in Python');
            }
            for my $seconds (0, -1, 'soon', undef, 9**9**9) {
                is(failed(sub { $io->timeout($seconds) })->reason, 'timeout', 'a timeout of ' . ($seconds // 'undef'));
            }
            is(failed(sub { $io->emit_with_ack('connect') })->reason, 'reserved-event', 'a reserved event');
            is(failed(sub { $io->server_side_emit_with_ack('error') })->reason,
                'reserved-event', 'likewise for servers');
            is(failed(sub { $io->to('a')->rooms })->reason,                          'targeted', 'rooms of a room');
            is(failed(sub { $io->to('a')->server_side_emit_with_ack('e') })->reason, 'targeted', 'servers of a room');
            is(
                failed(
                    sub {
                        $io->emit_with_ack('e', sub { });
                    }
                )->reason,
                'unencodable',
                'what has no JSON form'
            );
        }
    );
    is_deeply(\@heard, [], 'nothing was sent');
};

# Wrapper hides the client that it has.
package Wrapper;    ## no critic (RequireFilenameMatchesPackage)
sub wait_all_responses { return }

package main;

done_testing;
