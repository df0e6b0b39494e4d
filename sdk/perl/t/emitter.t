use strict;
use warnings;
use utf8;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use RedisServer;
use Sioemit qw(bin);

my $server = RedisServer->new;

# The messages that servers get are compared byte for byte in the conformance suite. Here, a codec that people can read.
sub events {
    my ($class, $sub, %options) = @_;
    my $io = Sioemit->new($class->new(server => $server->address), codec => 'json', %options);
    return map { [$_->[0], decode_json($_->[1])] } $server->heard($class, sub { $sub->($io) });
}

for my $class (qw(Redis Redis::Fast)) {
    subtest $class => sub {
        plan skip_all => "$class is not installed" if !RedisServer::usable($class);

        subtest 'targets' => sub {
            my @events = events(
                $class,
                sub {
                    my ($io) = @_;
                    $io->emit('hello', 'wörld', 1);
                    $io->of('admin')->to('a')->emit('one room');
                    my $rooms = $io->to('a', 'b')->to('a');
                    $rooms->except('c')->volatile->compress(0)->emit('rooms');
                    $rooms->emit('a target does not change');
                    $io->in(5)->emit('a number');
                    $io->to('5')->emit('its text');
                    $io->to('é')->emit('no ascii');
                }
            );
            my $options = sub { return { rooms => [], except => [], flags => {}, @_ } };
            my $packet  = sub { my ($nsp, @data) = @_; return { type => 2, data => \@data, nsp => $nsp } };
            is_deeply(
                \@events,
                [
                    ['socket.io#/#', ['emitter', $packet->('/', 'hello', 'wörld', 1), $options->()]],
                    ['socket.io#/admin#a#', ['emitter', $packet->('/admin', 'one room'), $options->(rooms => ['a'])]],
                    [
                        'socket.io#/#',
                        [
                            'emitter',
                            $packet->('/', 'rooms'),
                            $options->(
                                rooms  => ['a', 'b'],
                                except => ['c'],
                                flags  => { volatile => JSON::PP::true, compress => JSON::PP::false }
                            )
                        ]
                    ],
                    [
                        'socket.io#/#',
                        ['emitter', $packet->('/', 'a target does not change'), $options->(rooms => ['a', 'b'])]
                    ],
                    ['socket.io#/#',          ['emitter', $packet->('/', 'a number'), $options->(rooms => [5])]],
                    ['socket.io#/#5#',        ['emitter', $packet->('/', 'its text'), $options->(rooms => ['5'])]],
                    ["socket.io#/#\xc3\xa9#", ['emitter', $packet->('/', 'no ascii'), $options->(rooms => ['é'])]],
                ],
                'what was published, and where'
            );
        };

        subtest 'pipelines' => sub {
            my $kept;
            my @events = events(
                $class,
                sub {
                    my ($io) = @_;
                    $io->pipeline(
                        sub {
                            my ($pipe) = @_;
                            $kept = $pipe->to('late');
                            $pipe->to("r$_")->emit('n', $_) for 1 .. 1000;
                        }
                    );
                    ok(!eval { $kept->emit('too late'); 1 }, 'a pipeline that has ended takes no more');
                    is($@->reason, 'pipeline-ended', 'and says so');
                    my $died = eval {
                        $io->pipeline(sub { $_[0]->emit('given up'); die "reason\n" });
                        1;
                    };
                    ok(!$died, 'the death of its sub goes on');
                    is($@, "reason\n", 'as it is');
                    $io->pipeline(sub { });
                    my $died_before = eval { die "boom\n"; 1 };
                    $io->of('/n')->to('r')->pipeline(sub { $_[0]->emit('targeted', 'n') });
                    is($@,               "boom\n", 'what has died before stays in $@');
                    is(ref $io->to('a'), ref $io,  'targets are of the class of the emitter');
                    ok(
                        !eval {
                            $io->pipeline(
                                sub {
                                    $_[0]->emit('ok');
                                    $_[0]->emit('e', sub { });
                                }
                            );
                            1;
                        },
                        'a refusal goes on'
                    );
                    is($@->reason, 'unencodable', 'with its reason');
                }
            );
            my $targeted = pop @events;
            is_deeply(
                [$targeted->[0],    $targeted->[1][2]{rooms}],
                ['socket.io#/n#r#', ['r']],
                'a pipeline has the target that it was made on'
            );
            is_deeply([map { $_->[1][1]{data}[1] } @events], [1 .. 1000], 'in order, each once, and nothing else');
        };

        subtest 'requests and servers' => sub {
            my $io = Sioemit->new($class->new(server => $server->address));
            is($io->server_count, 0, 'no servers');
            my $one = $class->new(server => $server->address);
            $one->subscribe('socket.io-request#/#', sub { });
            is($io->server_count,               1, 'one server');
            is($io->of('/admin')->server_count, 0, 'none in another namespace');
            undef $one;
            my @requests = events(
                $class,
                sub {
                    my ($io) = @_;
                    $io->to('a')->sockets_join('b', 5);
                    $io->sockets_leave('b');
                    $io->except('x')->disconnect_sockets(1);
                    $io->disconnect_sockets;
                    $io->server_side_emit('ping', { n => 1 });
                }
            );
            my @opts = (opts => { rooms => [], except => [] });
            is_deeply(
                [map { $_->[1] } @requests],
                [
                    { type => 2,         opts => { rooms => ['a'], except => [] }, rooms => ['b', 5] },
                    { type => 3,         @opts, rooms => ['b'] },
                    { type => 4,         opts => { rooms => [], except => ['x'] }, close => JSON::PP::true },
                    { type => 4,         @opts, close => JSON::PP::false },
                    { uid  => 'emitter', type => 6, data => ['ping', { n => 1 }] },
                ],
                'what was asked'
            );
            is_deeply([map { $_->[0] } @requests], [('socket.io-request#/#') x 5], 'where requests are read');
        };

        subtest 'servers in Python' => sub {
            my $io = Sioemit->new(
                $class->new(server => $server->address),
                adapter         => 'python',
                channel         => 'flask-socketio',
                allow_binary    => 1,
                max_attachments => 2
            );
            my $one = $class->new(server => $server->address);
            $one->subscribe('flask-socketio', sub { });
            is($io->of('/other')->server_count, 1, 'one server, of all namespaces');
            undef $one;
            my $id = 'abcdefghijklmnopqrst';
            my ($refused, $own);
            my @heard = $server->heard(
                $class,
                sub {
                    my $rooms = $io->of('admin')->to('a', 5)->except($id)->volatile;
                    $rooms->emit('é', 'é', [bin("\xff"), { b => bin(q()) }]);
                    $refused = eval {
                        $io->emit('e', map { bin('x') } 1 .. 3);
                        1;
                    } ? '' : $@->reason;
                    $io->emit('e');
                    $io->to($id)->sockets_leave('a');
                    $io->sockets_leave('a');
                    $own = Sioemit->new(
                        $class->new(server => $server->address),
                        adapter    => 'python',
                        socket_ids => 'u\d+'
                    );
                    $own->to('u7')->disconnect_sockets;
                }
            );
            is($refused, 'unencodable', 'more binary than clients take');
            is_deeply([map { $_->[0] } @heard], [('flask-socketio') x 4, 'socketio'], 'the channels');
            is_deeply(
                [map { decode_json($_->[1]) } @heard],
                [
                    {
                        method => 'emit',
                        event  => 'é',
                        data   => [
                            [
                                'é',
                                [
                                    { _placeholder => JSON::PP::true, num => 0 },
                                    { b            => { _placeholder => JSON::PP::true, num => 1 } }
                                ]
                            ],
                            '/w==', ''
                        ],
                        binary    => JSON::PP::true,
                        namespace => '/admin',
                        room      => ['a', 5],
                        skip_sid  => $id,
                        callback  => undef,
                        host_id   => 'emitter',
                    },
                    {
                        method    => 'emit',
                        event     => 'e',
                        data      => [],
                        binary    => JSON::PP::false,
                        namespace => '/',
                        room      => undef,
                        skip_sid  => undef,
                        callback  => undef,
                        host_id   => 'emitter',
                    },
                    { method => 'leave_room', sid  => $id,  room      => 'a', namespace => '/', host_id => 'emitter' },
                    { method => 'close_room', room => 'a',  namespace => '/', host_id   => 'emitter' },
                    { method => 'disconnect', sid  => 'u7', namespace => '/', host_id   => 'emitter' },
                ],
                'what they read'
            );
        };

        subtest 'a process that forks' => sub {
            my @events = events(
                $class,
                sub {
                    my ($io) = @_;
                    $io->emit('before');
                    my $pid = fork // die "fork: $!";
                    if (!$pid) {
                        my $sent = eval { $io->emit('child'); 1 };
                        POSIX::_exit($sent ? 0 : 1);
                    }
                    waitpid $pid, 0;
                    is($?, 0, 'the child could send');
                    $io->emit('after');
                }
            );
            is_deeply([map { $_->[1][1]{data}[0] } @events], [qw(before child after)], 'each event once');
            }
            if $class eq 'Redis';    # Redis::Fast shares its connection with a child
    };
}

done_testing;
