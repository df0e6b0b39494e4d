use strict;
use warnings;

use Test::More;
use Test::Pod;
use Test::Pod::Coverage;

use FindBin;
use lib "$FindBin::Bin/../lib";

chdir "$FindBin::Bin/.." or die $!;
my @files = all_pod_files('lib');
cmp_ok(scalar @files, '>', 5, 'there are modules');
pod_file_ok($_) for @files;
my @modules = all_modules('lib');
cmp_ok(scalar @modules, '>', 5, 'which have names');
pod_coverage_ok($_, { also_private => [qr/\A[A-Z_]+\z/] }) for @modules;

done_testing;
