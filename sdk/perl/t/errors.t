use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/lib";

use RedisServer;
use Redis;
use Sioemit qw(bin);

my $server = RedisServer->new;
my $redis  = Redis->new(server => $server->address);
my $io     = Sioemit->new($redis);
my $json   = Sioemit->new($redis, codec => 'json');

sub refused {
    my ($reason, $call, $name) = @_;
    my $done  = eval { $call->(); 1 };
    my $error = $@;
    ok(!$done, "$name is refused");
    is(ref $error && $error->reason, $reason, "$name: the reason");
    like("$error", qr/ at \S+errors\.t line \d+/, "$name: the line of the caller");
    return $error;
}

my @heard = $server->heard(
    'Redis',
    sub {
        refused('empty-event',    sub { $io->emit('') },                        'an empty event');
        refused('invalid-text',   sub { $io->emit(undef) },                     'an undefined event');
        refused('invalid-text',   sub { $io->emit(['a']) },                     'an event that is an array');
        refused('reserved-event', sub { $io->emit('disconnect') },              'a reserved event');
        refused('reserved-event', sub { $io->server_side_emit('error') },       'a reserved event for servers');
        refused('empty-room',     sub { $io->to('') },                          'an empty room');
        refused('empty-room',     sub { $io->to },                              'no room');
        refused('empty-room',     sub { $io->sockets_join },                    'no room to join');
        refused('invalid-text',   sub { $io->to(undef) },                       'an undefined room');
        refused('invalid-text',   sub { $io->to(['a']) },                       'rooms as an array');
        refused('invalid-text',   sub { $io->to(9**9**9) },                     'a room that is no number');
        refused('invalid-text',   sub { $io->of("\x{d800}") },                  'a namespace that is broken');
        refused('targeted',       sub { $io->to('a')->server_count },           'a count of servers in a room');
        refused('targeted',       sub { $io->to('a')->server_side_emit('e') },  'a room for servers');
        refused('binary-in-json', sub { $json->server_side_emit('e', bin(1)) }, 'binary in JSON for servers');
        refused(
            'unencodable',
            sub {
                $io->emit('e', sub { });
            },
            'a sub'
        );

        my $old = Sioemit->new($redis, server_version => 2);
        refused('except-room',     sub { $old->except('room') },       'a room that Socket.IO 2 would ignore');
        refused('except-room',     sub { $old->except(5) },            'a number that it would ignore');
        refused('needs-version-4', sub { $old->sockets_join('room') }, 'what Socket.IO 2 cannot do');
        ok($old->except('abcdefghijklmnopqrst', '/admin#abcdefghijklmnopqrst'),             'socket ids are taken');
        ok(Sioemit->new($redis, server_version => 2, socket_ids => qr/u\d+/)->except('u7'), 'also of other servers');

        my $python = Sioemit->new($redis, adapter => 'python');
        my $socket = $python->to('abcdefghijklmnopqrst');
        my $nested = sub {
            my ($wrap, $levels) = @_;
            my $value;
            $value = $wrap->($value) for 1 .. $levels;
            return $value;
        };
        my $cycle = {};
        $cycle->{self} = $cycle;
        for my $case (
            ['join of everyone',          sub { $python->sockets_join('a') },      qr/one socket joins one room/],
            ['join of two rooms',         sub { $socket->sockets_join('a', 'b') }, qr/one socket joins one room/],
            ['join of all but one',       sub { $socket->except('x' x 20)->sockets_join('a') },  qr/one socket joins/],
            ['leave of two sockets',      sub { $socket->to('x' x 20)->sockets_leave('a') },     qr/or everyone does/],
            ['leave of two rooms',        sub { $python->sockets_leave('a', 'b') },              qr/or everyone does/],
            ['leave of all but one',      sub { $python->except('x' x 20)->sockets_leave('a') }, qr/everyone does/],
            ['leave of those in a room',  sub { $python->to('room')->sockets_leave('a') }, qr/"room" is no socket id/],
            ['join of those in a number', sub { $python->to(5)->sockets_join('a') },       qr/"5" is no socket id/],
            ['disconnection of everyone', sub { $python->disconnect_sockets },             qr/must be the target/],
            ['disconnection with a connection', sub { $socket->disconnect_sockets(1) },    qr/keeps its connection/],
            ['event for servers in Python',     sub { $python->server_side_emit('e') },    qr/servers get no events/],
            )
        {
            my ($name, $call, $message) = @$case;
            like(refused('no-counterpart', $call, "a $name")->message, $message, "a $name: the message");
        }
        my $any = Sioemit->new($redis, adapter => 'python', socket_ids => qr/.*/s);
        refused('no-counterpart', sub { $any->to(5)->sockets_join('a') },            'a number is never a socket id');
        refused('except-room',    sub { $python->except('room') },                   'a room that Python would ignore');
        refused('except-room',    sub { $python->except(5) },                        'a number that it would ignore');
        refused('except-room',    sub { $python->except("abcdefghijklmnopqrst\n") }, 'more than a socket id');
        refused('unencodable',    sub { $python->emit('e', undef) },                 'no value as the only argument');
        refused('unencodable',    sub { $python->emit('e', 1, { a => bin('x') }) },  'binary that is not allowed');
        refused('unencodable',    sub { $python->emit('e', $cycle) },                'what holds itself');
        refused(
            'too-deep',
            sub {
                $python->emit('e', $nested->(sub { [@_] }, 301));
            },
            'what Python cannot read'
        );
        refused(
            'too-deep',
            sub {
                $python->emit('e', $nested->(sub { +{ a => @_ } }, 301));
            },
            'nor in objects'
        );
        refused('adapter-option', sub { Sioemit->new($redis, channel => 'c') }, 'a channel for classic');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'python', key => 'k') }, 'a key for python');
        refused('invalid-text', sub { Sioemit->new($redis, adapter => 'python', channel => "\x{d800}") }, 'a channel');

        refused('server-version', sub { Sioemit->new($redis, server_version => 5) },         'a version');
        refused('adapter-option', sub { Sioemit->new($redis, adapter        => 'cluster') }, 'an adapter');
        refused('adapter-option', sub { Sioemit->new($redis, codec          => 'xml') },     'a codec');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'sharded', key => 'k') }, 'a key for sharded');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'streams', server_version => 3) },
            'an old one');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'sharded', subscription_mode => 'x') },
            'a mode');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'streams', stream_count => 0) }, 'no streams');
        refused('adapter-option', sub { Sioemit->new($redis, adapter => 'streams', max_len => 'many') }, 'a length');
        refused('adapter-option', sub { Sioemit->new($redis, max_attachments => 0) }, 'no attachments');
        like(
            refused('adapter-option', sub { Sioemit->new($redis, ky => 'k') }, 'an option that is none'),
            qr/\Athere is no option ky/,
            'which is named'
        );
        refused('redis', sub { Sioemit->new },                   'no client');
        refused('redis', sub { Sioemit->new('localhost:6379') }, 'a client that is none');
        refused(
            'unread-stream',
            sub {
                Sioemit->new($redis, adapter => 'streams', stream_count => 3)->of('/a rather long name of a namespace')
                    ->emit('e');
            },
            'a stream that no server reads'
        );
    }
);
is_deeply(\@heard, [], 'nothing of it was sent');

for my $class (qw(Redis Redis::Fast)) {
    subtest "what Redis answers to $class" => sub {
        plan skip_all => "$class is not installed" if !RedisServer::usable($class);

        my $guarded = RedisServer->new(qw(--requirepass S3cr3t --user), 'deaf', 'on', '>S3cr3t', '+ping', '+auth');
        my $admin   = $class->new(server => $guarded->address, password   => 'S3cr3t');
        my $alone   = $class->new(server => $guarded->address, on_connect => sub { $_[0]->auth('deaf', 'S3cr3t') });
        my $deaf    = Sioemit->new($alone);
        my $error   = refused('redis', sub { $deaf->emit('e') }, 'a publication without the right');
        like($error->message, qr/NOPERM/, 'as Redis says it');
        $error = refused(
            'redis',
            sub {
                $deaf->pipeline(sub { $_[0]->emit('e') for 1 .. 3 });
            },
            'a pipeline of them'
        );
        like($error->message, qr/\A3 of 3 commands of the pipeline failed, the first with: .*NOPERM/, 'with a count');

        my $wrong = Sioemit->new($class->new(server => $guarded->address, no_auto_connect_on_new => 1));
        $admin->config(qw(SET requirepass), '');
        undef $admin;
        my $lost = Sioemit->new($class->new(server => $guarded->address));
        $lost->emit('e');
        $guarded->stop;
        $error = refused('redis', sub { $lost->emit('e') }, 'a Redis that has gone');
        isnt($error->message, '', 'as the client says it');
    };
}

subtest 'a connection that breaks in a pipeline' => sub {
    my $fragile = Redis->new(server => $server->address, reconnect => 5, every => 10_000);
    my $breaks =
        bless { redis => $fragile, id => $fragile->client_id, other => Redis->new(server => $server->address) },
        'Breaks';
    my $streams = Sioemit->new($breaks, adapter => 'streams');
    my $send    = sub {
        my ($pipe) = @_;
        $pipe->emit('n', $_) for 1 .. 400;
    };
    my $error = refused('redis', sub { $streams->pipeline($send) }, 'a pipeline of which a part is forgotten');
    like($error->message, qr/\Athe connection broke: \d+ of 400 commands/, 'which says so');
};

subtest 'transactions' => sub {
    $redis->multi;
    my $error = refused('redis', sub { $io->server_count }, 'a count within a transaction');
    like($error->message, qr/transaction/, 'which is named');
    $redis->discard;
};

subtest 'passwords' => sub {
    my $renamed = RedisServer->new('--rename-command', 'AUTH', 'LOGIN');
    my $client  = Redis->new(server => $renamed->address);
    my $liar    = bless { redis => $client }, 'Liar';
    my $error   = refused('redis', sub { Sioemit->new($liar)->emit('e') }, 'an AUTH that Redis does not know');
    unlike("$error", qr/S3cr3t/, 'its arguments are not repeated');
    like("$error", qr/unknown command 'auth'/i, 'its name is');
};

# Liar logs in again before each publication, as a client that reconnects does.
package Liar;    ## no critic (RequireFilenameMatchesPackage)
sub wait_all_responses { return }
sub publish            { my ($self, @words) = @_; return $self->{redis}->auth('S3cr3t') }

# Breaks loses its connection in the middle of a pipeline, and makes a new one.
package Breaks;
sub wait_all_responses { return $_[0]{redis}->wait_all_responses }

sub xadd {
    my ($self, @words) = @_;
    $self->{other}->client_kill(ID => $self->{id}) if ++$self->{calls} == 200;
    return $self->{redis}->xadd(@words);
}

package main;

done_testing;
