import { startMoto } from '../../support/s3.ts';
import { s3Contract } from './s3-contract.ts';

s3Contract('moto', startMoto, { checksum: false, oneStep: false });
