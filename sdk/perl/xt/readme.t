use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use JSON::PP    qw(decode_json encode_json);
use Time::HiRes qw(sleep time);

use Redis;
use Redis::Fast;
use RedisServer;
use Servers;

my $home   = "$FindBin::Bin/..";
my $server = RedisServer->new;

sub slurp {
    my ($file) = @_;
    open my $in, '<:encoding(UTF-8)', "$home/$file" or die "$file: $!";
    local $/ = undef;
    my $text = <$in>;
    close $in or die "$file: $!";
    return $text;
}

subtest 'README' => sub {
    my @blocks = slurp('README.md') =~ /```perl\n(.*?)```/gs;
    s/localhost:6379/$server->{address}/ for @blocks;
    cmp_ok(scalar @blocks, '>=', 5, 'there is code');

    # Its clients and servers answer as the README has it, but for one client.
    my $servers = Servers->new(
        $server->address,
        1,
        [SUBSCRIBE => 'socket.io-request#/#'],
        sub {
            my ($redis, $request) = @_;
            my $question = decode_json($request);
            my %reply    = (requestId => $question->{requestId});
            return $redis->publish('socket.io-response#/#', encode_json({ %reply, sockets => [] }))
                if $question->{type} == 0;
            $redis->publish('socket.io-response#/#', encode_json($_)) for { %reply, type => 8, clientCount => 2 }
            , { %reply, type => 9, packet => { name => 'Ada' } };
        }
    );
    my $admins = Servers->new(
        $server->address,
        1,
        [SUBSCRIBE => 'socket.io-request#/admin#'],
        sub {
            my ($redis, $request) = @_;
            my $id = decode_json($request)->{requestId};
            $redis->publish('socket.io-response#/admin#',
                encode_json({ requestId => $id, sockets => [{ id => 's1' }] }));
        }
    );
    my $printed = '';
    my @heard   = $server->heard(
        'Redis',
        sub {
            my $watch   = Redis->new(server => $server->address);
            my $give_up = time + RedisServer::DEADLINE;
            while ($watch->client_list(TYPE => 'pubsub') =~ / age=[01] /) {    # servers have been there for longer
                die "they get no older\n" if time > $give_up;
                sleep 0.1;
            }
            open my $out, '>', \$printed or die $!;
            my $old   = select $out;
            my $ran   = eval "package Readme; @blocks; 1";                     ## no critic (ProhibitStringyEval)
            my $error = $@;
            select $old;
            ok($ran, 'it runs') or diag $error;
        }
    );
    is_deeply(
        [map { $_->[0] } @heard[0 .. 4]],
        ['socket.io#/#', 'socket.io#/#user:7#', 'socket.io#/admin#', ('socket.io#/#user:7#') x 2],
        'its first events'
    );
    like($heard[1][1], qr/order:paid.*except\x91\xa5muted/s, 'but for the muted');
    like($heard[2][1], qr/photo\xc4\x02\xff\xd8/,            'binary');
    @heard = grep { $_->[0] !~ /-re/ } @heard;    # without questions and answers
    is(scalar @heard, 1006, 'and a thousand in a pipeline');
    is(
        $printed,
        "1 of 2 clients answered in time\nAda is ready\n1 sockets\n1 servers have it\nempty-room\n",
        'what it prints'
    );
};

subtest 'example' => sub {
    my @printed;
    my @heard = $server->heard(
        'Redis',
        sub {
            open my $pipe, '-|', $^X, "-I$home/lib", "$home/eg/notify.pl", $server->address or die $!;
            @printed = <$pipe>;
            ok(close $pipe, 'it runs');
        }
    );
    is_deeply(
        [map { $_->[0] } @heard],
        ['socket.io#/#user:7#', 'socket.io#/#', 'socket.io-request#/#'],
        'what it sends'
    );
    is_deeply(\@printed, ["0 servers listen\n"], 'what it prints');
};

done_testing;
