use strict;
use warnings;

# The connection for replies has TLS and Sentinels as the client has them.

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../t/lib";

use File::Temp             ();
use IO::Socket::SSL        ();
use IO::Socket::SSL::Utils qw(CERT_create PEM_cert2file PEM_key2file);
use JSON::PP               qw(decode_json encode_json);

use OrderedServers;
use Redis;
use Redis::Fast;
use RedisServer;
use Servers;
use Sioemit;

my $folder = File::Temp->newdir;

# rooms makes one server, and asks it.
sub rooms {
    my ($connect) = @_;
    my $servers = Servers->new(
        undef, 1,
        [SUBSCRIBE => 'socket.io-request#/#'],
        sub {
            my ($redis, $request) = @_;
            my %reply = (requestId => decode_json($request)->{requestId}, rooms => ['a' x 100_000, 'b']);
            $redis->publish('socket.io-response#/#', encode_json(\%reply));
        },
        $connect
    );
    return map { length } Sioemit->new($connect->())->timeout(60)->rooms;
}

subtest 'TLS' => sub {
    my ($cert, $key) = CERT_create(CA => 1, subject => { commonName => '127.0.0.1' });
    PEM_cert2file($cert, "$folder/cert");
    PEM_key2file($key, "$folder/key");
    my $port  = RedisServer::free_port();
    my $redis = RedisServer->new(
        '--tls-port'         => $port,
        "--tls-key-file"     => "$folder/key",
        "--tls-auth-clients" => "no",
        map { ("--tls-$_" => "$folder/cert") } qw(cert-file ca-cert-file)
    );
    is_deeply(
        [rooms(sub { Redis->new(server => "127.0.0.1:$port", ssl => 1, SSL_verify_mode => 0) })],
        [100_000, 1],
        'a reply of several records'
    );
};

subtest 'Sentinel' => sub {
    my $redis  = RedisServer->new;
    my $config = "$folder/sentinel.conf";
    open my $out, '>', $config or die $!;
    print {$out} 'sentinel monitor shop ', $redis->address =~ s/:/ /r, " 1\n";
    close $out or die $!;
    my $sentinel = RedisServer->new($config, '--sentinel');
    is_deeply(
        [rooms(sub { Redis->new(sentinels => [$sentinel->address], service => 'shop') })],
        [100_000, 1],
        'of the master that it names'
    );

    my $next    = RedisServer->new;
    my @servers = map { OrderedServers->new($_, 1) } $redis, $next;
    my $admin   = Redis->new(server => $sentinel->address);
    for my $class (qw(Redis Redis::Fast)) {
        my $connect = sub {
            $class->new(sentinels => [$sentinel->address], service => 'shop', reconnect => 60, every => 10_000);
        };
        my $client = $connect->();
        my $io     = Sioemit->new($client, connect => $connect)->timeout(60);
        is($io->confirm, 1, "$class: a server at the master");
        $io->emit('e');
        $admin->sentinel(REMOVE  => 'shop');
        $admin->sentinel(MONITOR => 'shop', split(/:/, $next->address), 1);
        Redis->new(server => $redis->address)->client_kill(ID => $client->client_id);
        my $error = eval { $io->confirm; 1 } ? '' : $@;
        like($error, qr/a Redis node has gone, or was started again/, 'another one is the master');
        is($error && $error->servers, 1, 'whose server answers');
        is($io->confirm,              1, 'the next one begins anew');
        ($redis, $next) = ($next, $redis);
    }
};

done_testing;
